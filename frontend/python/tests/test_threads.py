"""Many threads, one function."""

import threading

import numpy as np
import pytest

import frit

THREADS, CALLS = 8, 40


def in_threads(work):
    """Runs `work(thread number)` in several threads at once; raises what any of them raised."""
    failed, start = [], threading.Barrier(THREADS)

    def run(k):
        try:
            start.wait()
            work(k)
        except BaseException as e:
            failed.append(e)

    threads = [threading.Thread(target=run, args=(k,)) for k in range(THREADS)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if failed:
        raise failed[0]


def elementwise(x, k):
    return np.sqrt(x * x + k) - 1


def mutating(x, k):
    x[1:] += x[:-1] * k
    y = x[::2]
    y -= 1
    return x.sum()


def deciding(x, k):
    y = np.exp(-np.abs(x))
    while y.max() > 0.1:
        y = y * 0.5
    if y[0] > y[-1]:
        return y[y > 0.01]
    return y * k


def of_matrices(x, k):
    a = np.outer(x, x) + k * np.eye(x.size)
    return np.linalg.solve(a, x), a @ x


def falling_back(x, k):
    return np.packbits(x > 0) + k


@pytest.mark.parametrize("f", [elementwise, mutating, deciding, of_matrices, falling_back])
def test_one_function(f):
    compiled = frit.jit(f, fallback="quiet")

    def work(thread):
        rng = np.random.default_rng(thread)
        for n in range(CALLS):
            x = rng.normal(size=5 + (thread + n) % 3)
            y = x.copy()
            k = n % 2 + 1
            got, want = compiled(x, k), f(y, k)
            for g, w in zip(got if isinstance(got, tuple) else (got,), want if isinstance(want, tuple) else (want,)):
                np.testing.assert_allclose(g, w, rtol=1e-9)
            np.testing.assert_array_equal(x, y)

    in_threads(work)
    assert type(np.zeros(2)) is np.ndarray and np.zeros.__module__ == "numpy"


def test_results_do_not_depend_on_threads():
    f = frit.jit(lambda x: np.exp(x[:, None] * x[None, :]).sum(axis=1), fallback="error")
    x = np.linspace(0, 1, 700)
    want = f(x)
    got = [None] * THREADS

    def work(thread):
        for _ in range(3):
            got[thread] = f(x)

    in_threads(work)
    for g in got:
        np.testing.assert_array_equal(g, want)


def test_exceptions_stay_in_their_thread():
    f = frit.jit(lambda x, n: x.reshape(n, -1) + 1, fallback="quiet")

    def work(thread):
        for _ in range(CALLS):
            if thread % 2:
                with pytest.raises(ValueError, match="cannot reshape"):
                    f(np.ones(8), 3)
            else:
                assert f(np.ones(8), 4).shape == (4, 2)

    in_threads(work)
