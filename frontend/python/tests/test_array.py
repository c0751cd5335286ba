"""`frit.array` against NumPy: laziness, sharing, views, the protocols that compute, threads."""

import copy
import gc
import pickle
import threading
import warnings
import weakref

import numpy as np
import pytest
from conftest import agree, program, values
from programs import BROKEN, COMPILED, RAISING

import frit
import frit.numpy as fnp


def ran():
    """Programs run, and operations in them, so far."""
    s = frit.stats()
    return s["lazy_runs"], s["lazy_operations"]


def plain(x):
    """Nested results with NumPy's arrays for lazy ones."""
    if type(x) is frit.Array:
        return np.array(x)
    if isinstance(x, (tuple, list)):
        return type(x)(*map(plain, x)) if hasattr(x, "_fields") else type(x)(map(plain, x))
    return {k: plain(v) for k, v in x.items()} if isinstance(x, dict) else x


def arrays(x):
    """NumPy's scalars as arrays, which they are here."""
    if isinstance(x, np.generic):
        return np.asarray(x)
    if isinstance(x, (tuple, list)):
        return type(x)(*map(arrays, x)) if hasattr(x, "_fields") else type(x)(map(arrays, x))
    return {k: arrays(v) for k, v in x.items()} if isinstance(x, dict) else x


#: A lazy array is no `numpy.ndarray`, and what `numpy.asarray` gives is not for writing.
OTHERWISE = ("np.asarray(a); x[0]", "np.asarray(a)[", "isinstance(a, np.ndarray)")


@pytest.mark.parametrize("line", [p for p in COMPILED + BROKEN if not any(t in p for t in OTHERWISE)])
def test_programs(line):
    """The programs of `frit.jit`'s tests, run on lazy arrays: results, and arguments afterwards."""
    f, kinds = program(line)
    want_args = [values(k) for k in kinds]
    got_args = [frit.array(values(k)) if isinstance(values(k), np.ndarray) else values(k) for k in kinds]
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        want, got = f(*want_args), f(*got_args)
    agree(plain(got_args), arrays(want_args) if not want_args else [np.asarray(w) if isinstance(g, frit.Array) else w for g, w in zip(got_args, want_args)], "the arguments")
    got, want = arrays(plain(got)), arrays(want)
    if isinstance(want, (bool, int, float)) and isinstance(got, np.ndarray):
        got = got.item()
    agree(got, want)


@pytest.mark.parametrize("line", RAISING)
def test_errors_are_numpys(line):
    f, kinds = program(line)
    with pytest.raises(Exception) as want:
        f(*[values(k) for k in kinds])
    with pytest.raises(want.type) as got, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.array(f(*[frit.array(values(k)) for k in kinds]))
    # Positions are looked at when elements are computed, and then all at once.
    if want.type not in (IndexError, AttributeError):
        assert str(got.value) == str(want.value)


def test_nothing_runs_before_elements_are_asked_for():
    x = frit.array(np.arange(6.0).reshape(2, 3))
    before = ran()
    y = np.sqrt(x) + x * 2.5
    z = y.T[1:].sum(axis=0, keepdims=True)
    assert z.shape == (1, 2) and z.dtype == float and y.ndim == 2 and len(y) == 2 and not z.computed
    assert ran() == before
    np.testing.assert_allclose(z, (np.sqrt(x) + np.asarray(x) * 2.5).T[1:].sum(axis=0, keepdims=True))
    assert ran()[0] == before[0] + 2  # `z`, and `np.sqrt(x)` of the comparison.


def test_a_value_is_computed_once():
    x = frit.array(np.arange(8.0))
    y = x * 3
    y.compute()
    before = ran()
    assert float(y.sum()) == 84
    assert [float(v) for v in y[:2]] == [0, 3]
    str(y), y.tolist(), np.asarray(y), bool(y[1])
    runs, operations = ran()
    assert y.compute() is not None and operations - before[1] < 8
    # Nothing was multiplied again.
    np.testing.assert_array_equal(y, np.arange(8.0) * 3)
    assert ran() == (runs, operations)


def test_shared_parts_are_computed_once():
    x = frit.array(np.arange(1000.0))
    shared = np.exp(np.sin(x))
    a, b = shared + 1, shared * 2
    before = ran()
    a.compute()
    middle = ran()
    assert middle[1] - before[1] == 3 and shared.computed
    b.compute()
    assert ran()[1] - middle[1] == 1
    np.testing.assert_allclose(np.asarray(b), 2 * np.exp(np.sin(np.arange(1000.0))))


def test_shared_parts_of_temporaries_are_computed_once():
    def halves(x):
        shared = np.exp(np.sin(x))
        return shared + 1, shared * 2

    a, b = halves(frit.array(np.arange(1000.0)))
    a.compute()
    before = ran()
    b.compute()
    assert ran()[1] - before[1] == 1


def test_parts_that_are_much_larger_than_what_is_asked_for_are_not_kept():
    x, y = frit.array(np.arange(3000.0)), frit.array(np.arange(2000.0))
    difference = (x[:, None] - y[None, :]) ** 2
    before = frit.stats()["peak_bytes"]
    row = difference.sum(axis=1)
    np.testing.assert_allclose(row.compute()[:3], [((k - np.arange(2000.0)) ** 2).sum() for k in range(3)])
    assert not difference.computed
    assert frit.stats()["peak_bytes"] - before < 8 * 3000 * 2000 / 4


def test_several_are_computed_by_one_program():
    x = frit.array(np.arange(10.0))
    before = ran()
    a, b = frit.compute(x + 1, x.sum())
    assert ran()[0] == before[0] + 1
    np.testing.assert_array_equal(a, np.arange(10.0) + 1)
    assert b == 45


def test_unrelated_arrays_are_not_computed():
    x = frit.array(np.arange(4.0))
    y, z = x + 1, x - 1
    z.compute()
    assert z.computed and not y.computed


def test_forgotten_arrays_are_freed():
    a = np.arange(100000.0)
    x = frit.array(a)
    node = weakref.ref(x._t._s.node)
    y = x + 1
    del x
    assert node() is not None
    y.compute()
    gc.collect()
    assert node() is None
    before = ran()
    for _ in range(1000):
        y * 2
    assert ran() == before


def test_long_loops():
    x = frit.array(np.zeros(3))
    programs = frit.stats()["lazy_programs"]
    for k in range(20000):
        x = x + k
    assert list(x.compute()) == [199990000.0] * 3
    assert frit.stats()["lazy_programs"] - programs < 20
    y = frit.array(np.ones(3))
    for _ in range(2000):
        y = y * 1.5 + y - 0.5 * y
        y = y / 2
    assert np.isfinite(y.compute()).all()


def test_equal_structures_share_a_program():
    def f(x, k):
        return (np.sin(x) * k).sum()

    float(f(frit.array(np.arange(5.0)), 3.5))
    before = frit.stats()["lazy_programs"]
    for k in range(20):
        want = (np.sin(np.arange(5.0) + k) * (k + 0.25)).sum()
        assert abs(float(f(frit.array(np.arange(5.0) + k), k + 0.25)) - want) < 1e-12
    assert frit.stats()["lazy_programs"] == before


def test_numbers_keep_their_types():
    for dtype in (np.int8, np.uint64, np.float32, np.complex64, bool):
        for number in (3, -7, 2.5, 1e300, 1j, True):
            for ufunc in (np.add, np.multiply, np.divide, np.maximum):
                a = np.ones(3, dtype)
                with np.errstate(all="ignore"), warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    try:
                        want = ufunc(a, number)
                    except (OverflowError, TypeError) as e:
                        with pytest.raises(type(e)):
                            ufunc(frit.array(a), number).compute()
                        continue
                    agree(np.array(ufunc(frit.array(a), number)), want, f"{ufunc} of {dtype} and {number}")


def test_views_and_assignment():
    x = frit.array(np.arange(12.0).reshape(3, 4))
    n = np.arange(12.0).reshape(3, 4)
    for a in (x, n):
        row, column, flat = a[1], a.T[2], a.reshape(-1)
        row[:] = 7
        column += 1
        flat[::5] = 0
        b = a
        b *= 2
        a[a > 10] = -1
        a[[0, 2], 1] += 5
        a[0, 1:] = a[0, :-1]
    np.testing.assert_array_equal(x, n)
    np.testing.assert_array_equal(np.stack([row, row]), np.stack([n[1], n[1]]))
    assert b is n


def test_earlier_results_do_not_see_later_writes():
    x = frit.array(np.zeros(4))
    y = x + 1
    seen = np.asarray(x)
    x[:] = 5
    np.testing.assert_array_equal(y, np.ones(4))
    np.testing.assert_array_equal(seen, np.zeros(4))
    a = np.zeros(4)
    z = frit.array(np.ones(4)) + a
    a[:] = 9
    np.testing.assert_array_equal(z, np.ones(4))


def test_what_is_handed_out_is_read_only():
    x = frit.array(np.zeros(4)) + 1
    with pytest.raises(ValueError):
        np.asarray(x)[0] = 1
    with pytest.raises(ValueError):
        x.compute()[0] = 1
    np.array(x)[0] = 5
    np.testing.assert_array_equal(x, np.ones(4))


def test_functions_of_numpy_that_write_their_arguments():
    x, n = frit.array(np.arange(6.0)), np.arange(6.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", frit.FallbackWarning)
        for a in (x, n):
            part = a[1:4]
            np.place(a, np.arange(6) % 2 == 0, [10.0, 20.0])
            np.add.at(part, [0, 0, 2], 1)
            part.partition(1)
            np.put(a, [0, -1], [-1, -2])
            # This one writes read-only memory too.
            np.divide.at(a, [0, 0], [2.0, 4.0])
    np.testing.assert_array_equal(x, n)
    np.testing.assert_array_equal(part, n[1:4])


def test_protocols():
    n = np.arange(6.0).reshape(2, 3)
    x = frit.array(n) * 1
    agree(np.asarray(x), n)
    agree(np.asarray(x, np.float32), n.astype(np.float32))
    agree(np.array(x, copy=True), n)
    assert x.__array_interface__["shape"] == (2, 3) and x.__array_interface__["data"][1]
    agree(np.from_dlpack(x), n)
    agree(np.from_dlpack(x, copy=True), n)
    agree(np.array(frit.numpy.from_dlpack(n)), n)
    agree(bytes(x.data), n.tobytes())
    assert x.__dlpack_device__() == (1, 0) and x.device == "cpu" and x.to_device("cpu") is x
    assert x.__array_namespace__() is frit.numpy
    with pytest.raises(ValueError):
        x.__array_namespace__(api_version="1999.12")
    with pytest.raises(ValueError):
        x.to_device("moon")
    for y in (pickle.loads(pickle.dumps(x)), copy.copy(x), copy.deepcopy(x)):
        assert type(y) is frit.Array
        agree(np.array(y), n)
        y[0] = 5
        agree(np.array(x), n)
    assert repr(x) == "Array" + repr(n)[5:] and str(x) == str(n) and f"{x[0, 1]:.2f}" == "1.00"
    assert "float64" in x._repr_html_()
    assert not isinstance(x, np.ndarray) and isinstance(x, frit.Array)


def test_memory_that_was_handed_out_outlives_writes():
    x = frit.array(np.arange(1000.0)) + 0
    kept = np.asarray(x)
    x += 1
    x.compute()
    gc.collect()
    [np.ones(1000) for _ in range(20)]
    np.testing.assert_array_equal(kept, np.arange(1000.0))


def test_scalars():
    x = frit.array([1, 2, 3])
    assert int(x[1]) == 2 and float(x.mean()) == 2.0 and bool(x[0] == 1) and complex(x[2]) == 3
    assert [10, 20, 30, 40][x[2]] == 40 and x[1].item() == 2 and type(x[1].item()) is int
    assert 2 in x and 7 not in x and x.tolist() == [1, 2, 3] and [int(v) for v in x] == [1, 2, 3]
    with pytest.raises(TypeError):
        hash(x)
    with pytest.raises(ValueError, match="ambiguous"):
        bool(x)
    total = frit.array(0.0)
    for v in x:
        total += v
    assert float(total) == 6


def test_out_of_bounds_is_an_index_error():
    x = frit.array(np.arange(3.0))
    with pytest.raises(IndexError):
        x[5]
    with pytest.raises(IndexError):
        x[frit.array([0, 7])].compute()


def test_one_warning_for_what_frit_has_no_rule_for():
    x = frit.array(np.arange(5.0))
    with pytest.warns(frit.FallbackWarning, match="packbits") as told:
        for _ in range(3):
            r = np.packbits(x > 1)
    assert len(told) == 1 and told[0].filename == __file__
    agree(np.array(r), np.packbits(np.arange(5.0) > 1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        agree(np.array(x[x > 2]), np.array([3.0, 4.0]))
        agree(plain(np.nonzero(x)), np.nonzero(np.arange(5.0)))


def test_element_types_that_frit_does_not_have():
    with pytest.raises(TypeError, match="float16"):
        frit.array(np.zeros(3, np.float16))
    with pytest.raises(TypeError):
        frit.array(["a"])
    agree(np.array(frit.array(np.arange(3, dtype=">f8"))), np.arange(3.0))


def test_what_only_elements_tell_is_numpys():
    """Rules that hold for some elements: ties, all-NaN slices."""
    for a in (np.array([2, 1, 2, 1]), np.array([[np.nan, np.nan], [1.0, 2.0]])):
        x = frit.array(a)
        agree(np.array(np.argsort(x)), np.argsort(a))
        agree(np.array(fnp.argsort(x)), np.argsort(a, stable=True))
    with pytest.raises(ValueError, match="All-NaN"):
        np.nanargmin(x, axis=1)
    with pytest.raises(ZeroDivisionError):
        np.average(x, weights=frit.array(np.zeros((2, 2))))
    agree(plain(np.histogram(frit.array(np.arange(5.0)), bins=3)), np.histogram(np.arange(5.0), bins=3))


def test_layouts():
    for a in (np.asfortranarray(np.arange(6.0).reshape(2, 3)), np.arange(20.0)[::-3], np.zeros((0, 4)), np.array(5.0)):
        x = frit.array(a)
        agree(np.array(x + 1), np.asarray(a + 1))
        agree(np.array(x.reshape(-1)), a.reshape(-1).copy())
        agree(np.array(x.T), a.T)


def test_a_compiled_function_takes_lazy_arrays():
    f = frit.jit(lambda x: np.sqrt(x) + 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        agree(np.array(f(frit.array(np.arange(4.0)))), np.sqrt(np.arange(4.0)) + 1)


def test_threads():
    x = frit.array(np.arange(1000.0))
    shared = np.exp(x / 1000)
    results, errors = [None] * 8, []

    def work(k):
        try:
            y = shared
            for j in range(50):
                y = y * 1.01 + (k if j % 7 else float(y[0]) * 0)
            results[k] = np.asarray(y)
        except Exception as e:
            errors.append(e)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert not errors
    for k in range(8):
        y = np.exp(np.arange(1000.0) / 1000)
        for j in range(50):
            y = y * 1.01 + (k if j % 7 else 0)
        np.testing.assert_allclose(results[k], y, rtol=1e-12)


def test_the_namespace_defers():
    before = ran()
    x = fnp.linspace(0, 1, 5) * fnp.ones((3, 1)) + fnp.arange(5) @ fnp.eye(5)
    x = fnp.where(x > 1, x, fnp.zeros_like(x))
    assert type(x) is frit.Array and ran() == before
    n = np.linspace(0, 1, 5) * np.ones((3, 1)) + np.arange(5) @ np.eye(5)
    np.testing.assert_allclose(x, np.where(n > 1, n, np.zeros_like(n)))


def test_huge_constants_take_no_memory():
    x = fnp.zeros((10**6, 10**6))
    assert float(x[5, 7]) == 0 and float((x + 1)[3, 4]) == 1


def test_the_namespace_has_numpys_names():
    names = [n for n in np.__all__ if not n.startswith("_")]
    assert [n for n in names if not hasattr(fnp, n)] == []
    assert fnp.add.reduce(fnp.arange(5)).item() == 10 and fnp.add.nin == 2
    assert fnp.float64 is np.float64 and fnp.pi == np.pi and fnp.random is np.random
    assert isinstance(fnp.linalg.norm(fnp.ones(4)), frit.Array)
