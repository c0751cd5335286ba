"""The memory contract on the programs of the benchmarks: what a call takes from the pool, beside what was projected."""

import contextlib
import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import program, values
from programs import COMPILED

import frit
from frit import _frit

BENCHES = Path(__file__).parents[3] / "benches"
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(autouse=True)
def printing():
    """Libraries change how NumPy prints."""
    with np.printoptions():
        yield


def bench(name):
    """The module of a benchmark."""
    spec = importlib.util.spec_from_file_location(f"bench_{name}", BENCHES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def taken(f, args):
    """The most bytes that the pool had in use during a call, beyond those before; arguments are not from the pool."""
    before = frit.stats()["current_bytes"]
    _frit.restart_peak()
    f(*args)
    return frit.stats()["peak_bytes"] - before


@contextlib.contextmanager
def naming(what):
    """An assertion that fails says of which program."""
    try:
        yield
    except AssertionError as e:
        raise AssertionError(f"{what}: {e}") from None


def holds(f, args):
    """The contract, of a function that is one program."""
    f(*args)
    report = f.explain(*args)
    if report.calls or len(report.segments) != 1:
        # The parts of others hold what they leave to each other.
        return False
    need, measured = f.memory(*args).peak_bytes, taken(f, args)
    assert measured <= need <= 1.1 * measured, f"projected {need}, measured {measured}"
    return True


def test_forms():
    forms = bench("forms")
    given, checked, lines = forms.arguments(), 0, list(filter(None, forms.FORMS.splitlines()))
    for line in lines:
        names, code = line.split(": ", 1)
        for text in code.split(" -> "):
            f = frit.jit(eval(f"lambda {', '.join(names.split())}: {text}", {"np": np}))
            with naming(text):
                checked += holds(f, [given[n] for n in names.split()])
    assert checked >= 1.5 * len(lines)


def test_library_forms():
    pytest.importorskip("scipy")
    cases, checked = bench("forms_library").CASES, 0
    for name, (args, plain, _) in cases.items():
        with naming(name):
            checked += holds(frit.jit(plain), args)
    assert checked >= 0.8 * len(cases)


def test_functions_of_libraries():
    functions = bench("functions")
    for path, make in functions.FUNCTIONS.items():
        try:
            f = functions.load(path)
        except ImportError:
            continue
        with naming(path):
            holds(frit.jit(f), make())


@pytest.mark.usefixtures("unpatched")
@pytest.mark.parametrize("line", COMPILED)
def test_small_programs(line):
    f, kinds = program(line)
    with np.errstate(all="ignore"):
        holds(frit.jit(f), [values(k) for k in kinds])
