"""Names outside of a function, seen again at each call; quick calls are no different."""

import numpy as np
import pytest

import frit


def module(text):
    space = {"np": np, "frit": frit}
    exec(compile(text, "<names>", "exec"), space)
    return space


def warm(f, *args):
    for _ in range(4):
        r = f(*args)
    return r


X = np.arange(3.0)


def test_a_helper_defined_anew():
    space = module("def g(x): return x + 1\n@frit.jit\ndef f(x): return g(x) * 2\n")
    np.testing.assert_array_equal(warm(space["f"], X), (X + 1) * 2)
    exec("def g(x): return x - k\nk = 5.0", space)
    np.testing.assert_array_equal(warm(space["f"], X), (X - 5) * 2)
    # What the new one reads is looked at too.
    space["k"] = 7.0
    np.testing.assert_array_equal(warm(space["f"], X), (X - 7) * 2)


def test_a_helper_of_a_helper():
    space = module("def h(x): return x + 1\ndef g(x): return h(x)\n@frit.jit\ndef f(x): return g(x) * 2\n")
    np.testing.assert_array_equal(warm(space["f"], X), (X + 1) * 2)
    space["h"] = lambda x: -x
    np.testing.assert_array_equal(warm(space["f"], X), -X * 2)


def test_a_helper_in_a_closure():
    def make():
        def g(x):
            return x + 1

        @frit.jit
        def f(x):
            return g(x) * 2

        def change():
            nonlocal g
            g = np.negative

        return f, change

    f, change = make()
    np.testing.assert_array_equal(warm(f, X), (X + 1) * 2)
    change()
    np.testing.assert_array_equal(warm(f, X), -X * 2)


@pytest.mark.parametrize("values", [(1, 2, 1), (1, 1.0, True), (0.0, -0.0, 0.0), (np.float32(2), 2.0, np.int8(2))])
def test_a_number_bound_anew(values):
    space = module("@frit.jit\ndef f(x): return x.astype(np.float32) / k\n")
    with np.errstate(all="ignore"):
        for k in values:
            space["k"] = k
            got, want = warm(space["f"], X), X.astype(np.float32) / k
            assert got.dtype == want.dtype
            np.testing.assert_array_equal(got, want)


def test_a_number_in_a_closure():
    def make(k):
        @frit.jit
        def f(x):
            return x * k

        def change(to):
            nonlocal k
            k = to

        return f, change

    f, change = make(2.0)
    np.testing.assert_array_equal(warm(f, X), X * 2)
    change(3.0)
    np.testing.assert_array_equal(warm(f, X), X * 3)


def test_elements_of_outside_arrays_and_lists():
    space = module("a = np.arange(3.0)\nl = [1.0, 2.0]\n@frit.jit\ndef f(x): return x * a + l[1]\n")
    np.testing.assert_array_equal(warm(space["f"], X), X * X + 2)
    space["a"][0] = 9
    space["l"][1] = 5.0
    np.testing.assert_array_equal(warm(space["f"], X), X * space["a"] + 5)


def test_names_are_served_quickly():
    space = module("k = 2.0\ndef g(x): return x * k\n@frit.jit\ndef f(x): return g(x) + 1\n")
    f = space["f"]
    warm(f, X)
    slow = []
    f.slow, before = lambda args, kwargs: slow.append(1), f.slow
    np.testing.assert_array_equal(f(X), X * 2 + 1)
    assert not slow
    space["k"] = 3.0
    f(X)
    assert slow == [1]
    f.slow = before
    np.testing.assert_array_equal(f(X), X * 3 + 1)
