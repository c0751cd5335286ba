"""The stubs are those of this build, and a type checker understands the public names."""

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

import frit
from frit import _frit

TESTS = Path(__file__).parent
ROOT = TESTS.parents[2]


def test_stubs_are_up_to_date():
    stubs = runpy.run_path(str(TESTS.parent / "stubs.py"))
    assert stubs["PATH"].read_text() == stubs["text"](_frit), "run: python frontend/python/stubs.py"
    assert {name for name, _ in _frit.signatures()} == set(_frit.functions())


CONFIG = str(ROOT / "pyproject.toml")
FOLDER = Path(frit.__file__).parents[1]


@pytest.mark.parametrize(
    "command",
    [
        ["mypy.stubtest", "--mypy-config-file", CONFIG, "--ignore-missing-stub", "frit._frit", "frit.jit"],
        ["mypy", "--strict", "--config-file", CONFIG, str(TESTS / "typed.py")],
    ],
    ids=["stubs", "uses"],
)
def test_types(command, tmp_path_factory):
    pytest.importorskip("mypy")
    # One folder for both: they share mypy's cache. Installed packages are found by themselves.
    cwd = tmp_path_factory.getbasetemp()
    env = dict(os.environ)
    if FOLDER.name != "site-packages":
        env.update(MYPYPATH=str(FOLDER), PYTHONPATH=str(FOLDER))
    done = subprocess.run([sys.executable, "-m", *command], cwd=cwd, env=env, capture_output=True, text=True)
    assert done.returncode == 0, "\n".join(line[:300] for line in (done.stdout + done.stderr).splitlines())
