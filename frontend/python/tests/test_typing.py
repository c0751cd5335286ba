"""The stubs are those of this build, and a type checker understands the public names."""

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from frit import _frit

TESTS = Path(__file__).parent
ROOT = TESTS.parents[2]


def test_stubs_are_up_to_date():
    stubs = runpy.run_path(str(TESTS.parent / "stubs.py"))
    assert stubs["PATH"].read_text() == stubs["text"](_frit), "run: python frontend/python/stubs.py"
    assert {name for name, _ in _frit.signatures()} == set(_frit.functions())


def test_stubs_fit_the_module(tmp_path):
    pytest.importorskip("mypy")
    command = ["mypy.stubtest", "--mypy-config-file", str(ROOT / "pyproject.toml"), "frit._frit"]
    done = subprocess.run([sys.executable, "-m", *command], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, "\n".join(line[:300] for line in (done.stdout + done.stderr).splitlines())
