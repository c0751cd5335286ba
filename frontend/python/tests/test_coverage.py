"""`frit.coverage`: every NumPy call of a function, and what becomes of it."""

import linecache

import numpy as np
from test_reports import checked

import frit


def helper(y):
    return np.linalg.norm(y) + np.corrcoef(y, y[::-1])[0, 1]


def mixed(x, n):
    z = np.zeros(x.shape)
    z[1:] = x[:-1]
    for _ in range(n):
        z += np.asarray(x) * 2
    if z.sum() > 0:
        z = z[z > 1]
    return np.packbits(z > 0), helper(x)


def found(c, call):
    return [(e.how, e.times) for e in c if e.call == call]


def test_every_call_with_its_line():
    c = frit.coverage(mixed, np.arange(1.0, 6), 3)
    assert c.unlisted is None and c.name == "mixed"
    assert found(c, "numpy.zeros") == [("compiled", 1)]
    assert found(c, "ndarray.__setitem__") == [("compiled", 1)]
    assert found(c, "numpy.multiply") == [("compiled", 3)]
    assert ("sized", 1) in found(c, "ndarray.__getitem__")
    assert [(e.call, e.how) for e in c.fallbacks] == [("numpy.packbits", "fallback")]
    assert "no rule" in c.fallbacks[0].reason
    (norm,) = [e for e in c if e.call == "numpy.linalg.norm"]
    assert norm.function == "helper" and "np.linalg.norm" in linecache.getline(norm.file, norm.line)
    assert {e.how for e in c} <= {"compiled", "decomposed", "sized", "fallback"}
    for e in c:
        assert e.file == __file__ and e.times > 0


def test_decomposed_functions():
    c = frit.coverage(lambda x: np.vander(x, 3) + np.apply_along_axis(np.sum, 0, x), np.ones(3))
    assert found(c, "numpy.apply_along_axis") == [("decomposed", 1)]


def test_arguments_are_copied():
    def f(x, y):
        x += y

    x = np.ones(3)
    assert [e.call for e in frit.coverage(f, x, x)] == ["numpy.add"] and (x == 1).all()
    assert [e.call for e in frit.coverage(frit.jit(f), x, y=x)] == ["numpy.add"]


def test_functions_that_run_as_a_whole():
    c = frit.coverage(lambda x: x * 2, np.ones(3, "f2"))
    assert not len(c) and "float16" in c.unlisted and "float16" in str(c)
    c = frit.coverage(lambda x: x + np.random.rand(3), np.ones(3))
    assert "numpy.random.rand" in [e.call for e in c.fallbacks]


def test_errors_are_the_functions():
    try:
        frit.coverage(lambda x: x.reshape(2, 2), np.ones(3))
    except ValueError as e:
        assert "cannot reshape" in str(e)
    else:
        raise AssertionError
    assert frit.coverage(lambda x: x + 1, np.ones(3)).calls


def test_text_and_html():
    c = frit.coverage(mixed, np.arange(1.0, 6), 3)
    assert "z[1:] = x[:-1]" in str(c) and "1 fallback" in str(c)
    text, tags = checked(c._repr_html_())
    assert "numpy.packbits" in text and "table" in tags
