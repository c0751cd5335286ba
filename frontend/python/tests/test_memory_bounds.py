"""The memory contract on the programs of the benchmarks: what a call takes from the pool, beside what was projected."""

import contextlib
import gc
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
    # What earlier calls have left in cycles of Python's objects.
    gc.collect()
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
    """The contract, of a function of which something is compiled."""
    f(*args)
    if not f.explain(*args).segments:
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


def decides(x):
    if x.sum() > 0:
        return np.sort(x) + 1
    return x


def keeps(x):
    e = np.exp(x)
    if e.max() > 1:
        return e, np.sort(e)
    return e, e


def forgets(x):
    e = np.sort(np.exp(x))
    if e[0] > 0:
        e = np.cumsum(e)
        if e[-1] > 0:
            e = np.sort(-e)
    return e[:3] * 2


def loops(x):
    # As long as the elements say.
    for _ in range(100):
        x = np.sort(x * 0.5)
        if x[-1] < 0.1:
            break
    return x


def selects(x):
    kept = x[x > 0]
    return np.sort(kept), np.outer(kept[:30], kept).sum(axis=0)


def asks_numpy(x):
    # NumPy's own memory is not frit's.
    packed = np.packbits(x > 0)
    return np.sort(x), packed


def writes(x):
    x[0] = 1
    if x.sum() > 0:
        x += np.sort(x)
    return x * 2


def chooses(x):
    e = np.exp(x)
    n = int(e[0] * 3)
    return np.tile(e, n).reshape(n, -1).std(axis=0)


def one_by_one(x):
    parts = [np.sort(x * k) for k in range(1, 5)]
    return sum(float(p[0]) for p in parts) * parts[-1]


#: Functions whose Python decides on elements.
PARTS = [decides, keeps, forgets, loops, selects, asks_numpy, writes, chooses, one_by_one]


@pytest.mark.parametrize("function", PARTS)
def test_functions_in_parts(function):
    f = frit.jit(function, fallback="quiet")
    x = np.linspace(1, 2, 100_000)
    f(x.copy())
    report = f.explain(x)
    assert report.cuts or report.calls
    assert holds(f, [x])


def test_a_path_that_calls_have_taken_is_projected():
    f = frit.jit(lambda x: np.sort(x) + np.sort(-x)[::-1] if x[0] > 0 else x + 1)
    x = np.ones(100_000)
    f(-x)
    little = f.memory(x).peak_bytes
    f(x)
    assert f.memory(x).peak_bytes > 1.5 * little and holds(f, [x])
