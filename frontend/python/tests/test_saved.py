"""Saved programs, and the command."""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from conftest import agree

import frit


def again(f, tmp_path, *args, **kwargs):
    """`f` through a file."""
    path = tmp_path / "f.frit.json"
    frit.jit(f).save(path, *args, **kwargs)
    return frit.load(path)


def test_results_are_those_of_the_function(tmp_path):
    def f(x, pair, scale=1.0):
        y = x * scale + pair[0]
        return {"sum": y.sum(), "parts": (y, y[::2], None, 3, [x[1:], y.T])}, x.mean() > 0

    def arguments():
        return np.linspace(0, 1, 8), (np.ones(8), np.arange(3))

    g = again(f, tmp_path, *arguments(), scale=2.5)
    got, want = g(*arguments(), scale=2.5), f(*arguments(), scale=2.5)
    agree(got, want)
    y, shown = got[0]["parts"][:2]
    assert np.shares_memory(y, shown)


def test_mutated_arguments(tmp_path):
    def f(x, i):
        x[1:] += i[:-1]
        return x[::2]

    g = again(f, tmp_path, frit.spec(6), frit.spec(6, int))
    x, want = np.ones(6), np.ones(6)
    got = g(x, np.arange(6))
    agree(got, f(want, np.arange(6)))
    agree(x, want)
    assert np.shares_memory(got, x)
    x.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        g(x, np.arange(6))
    base = np.arange(12)
    with pytest.raises(ValueError, match="overlap"):
        again(lambda x, y: x.__iadd__(y), tmp_path, np.ones(3, int), np.ones(3, int))(base[:3], base[1:4])


def test_arrays_from_outside_become_constants(tmp_path):
    table = np.arange(6.0).reshape(2, 3).T
    g = again(lambda x: x @ table, tmp_path, np.ones((4, 3)))
    want = np.ones((4, 3)) @ table
    table[:] = 0
    agree(g(np.ones((4, 3))), want)


def test_layouts(tmp_path):
    g = again(lambda x: x * 2 + 1, tmp_path, np.ones((4, 3)))
    x = np.arange(24.0).reshape(3, 8)[:, ::2].T
    agree(g(x), x * 2 + 1)
    agree(g(x.copy()), x * 2 + 1)


def test_arguments_that_do_not_fit(tmp_path):
    g = again(lambda x, n: x**n, tmp_path, np.ones(3), 2)
    with pytest.raises(TypeError, match="saved for"):
        g(np.ones(3), 3)
    with pytest.raises(TypeError, match="float32"):
        g(np.ones(3, "f4"), 2)
    with pytest.raises(TypeError, match=r"\[3\]"):
        g(np.ones((3, 1)), 2)
    with pytest.raises(ValueError, match="size 4, expected 3"):
        g(np.ones(4), 2)


def test_what_cannot_be_saved(tmp_path):
    with pytest.raises(frit.FallbackError):
        again(lambda x: np.apply_along_axis(sorted, 0, x), tmp_path, np.ones(3))
    with pytest.raises(ValueError, match="line|1:|column"):
        (tmp_path / "bad.json").write_text('{"frit": 1, "graph": 3}')
        frit.load(tmp_path / "bad.json")


def test_memory_and_stages(tmp_path):
    g = again(lambda x: np.exp(x[:, None] - x), tmp_path, frit.spec(1000))
    assert g.memory(frit.spec(1000)).output_bytes == 8_000_000 and g.inputs == [("x0", "float64", ["1000"])]
    assert "exp" in g.dump() and "store" in g.dump("kernels")


def test_graphs_in_text_form(tmp_path):
    (tmp_path / "f.frit").write_text("graph @f(%x: f64[n]) -> f64[n] {\n  %y = square %x : f64[n]\n  return %y\n}\n")
    g = frit.load(tmp_path / "f.frit")
    agree(g(np.arange(3.0)), np.arange(3.0) ** 2)
    agree(g(np.arange(5.0)), np.arange(5.0) ** 2)


def frit_command(*arguments, cwd):
    here = os.path.dirname(os.path.dirname(frit.__file__))
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([here, os.environ.get("PYTHONPATH", "")])}
    return subprocess.run([sys.executable, "-m", "frit", *arguments], cwd=cwd, env=env, capture_output=True, text=True)


def test_the_command(tmp_path):
    def f(x):
        return np.sqrt(x).sum(axis=0), x.max()

    x = np.arange(12.0).reshape(4, 3)
    again(f, tmp_path, x)
    np.save(tmp_path / "x.npy", x)
    done = frit_command("run", "f.frit.json", "x.npy", "-o", "result", "--stats", cwd=tmp_path)
    assert done.returncode == 0 and "peak memory" in done.stdout, done.stderr
    agree(np.load(tmp_path / "result.0.npy"), f(x)[0])
    agree(np.load(tmp_path / "result.1.npy")[()], f(x)[1])
    assert "projected peak" in frit_command("explain", "f.frit.json", cwd=tmp_path).stdout
    assert "sqrt" in frit_command("dump", "f.frit.json", "--stage", "rewritten", cwd=tmp_path).stdout
    assert json.loads(frit_command("dump", "f.frit.json", "--stage", "json", cwd=tmp_path).stdout)["frit"] == 1
    wrong = frit_command("run", "f.frit.json", cwd=tmp_path)
    assert wrong.returncode == 1 and "takes 1 inputs" in wrong.stderr
    assert frit_command("fly", cwd=tmp_path).returncode == 2
    assert frit_command("--version", cwd=tmp_path).returncode == 0


@pytest.mark.skipif(sys.platform == "win32", reason="no signals to send")
def test_the_command_is_interrupted(tmp_path):
    again(lambda x: np.exp(-((x[:, None] - x[None, :]) ** 2)).sum(axis=1), tmp_path, frit.spec(300_000))
    np.save(tmp_path / "x.npy", np.zeros(300_000))
    here = os.path.dirname(os.path.dirname(frit.__file__))
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([here, os.environ.get("PYTHONPATH", "")])}
    command = subprocess.Popen([sys.executable, "-m", "frit", "run", "f.frit.json", "x.npy"], cwd=tmp_path, env=env)
    with pytest.raises(subprocess.TimeoutExpired):
        command.wait(2)
    command.send_signal(signal.SIGINT)
    assert command.wait(5) == -signal.SIGINT


def test_numbers_are_told_apart_by_their_types(tmp_path):
    g = again(lambda x, n: x * n, tmp_path, np.array([True, False]), 1)
    agree(g(np.array([True, True]), 1), np.array([1, 1]))
    for other in (True, 1.0, 2):
        with pytest.raises(TypeError, match="was saved for"):
            g(np.array([True, True]), other)
