"""Reports: why calls are traced again, and how they look in a notebook."""

from html.parser import HTMLParser
from typing import NamedTuple

import numpy as np
import pytest

import frit


class Point(NamedTuple):
    x: np.ndarray
    y: np.ndarray


def traced_again(f, *calls, **options):
    """What `explain` says of the last of some calls."""
    f = frit.jit(f, fallback="quiet", **options)
    for args in calls[:-1]:
        f(*args)
    return f.explain(*calls[-1]).retraced


def add(a, b):
    return a if b is None else a + b


def unpack(state):
    return state["x"] * state["k"] if isinstance(state, dict) else state[0]


x, y = np.ones(3), np.ones(3)
base = np.ones(8)
frozen = np.ones(3)
frozen.flags.writeable = False


@pytest.mark.parametrize(
    ("f", "calls", "want"),
    [
        (add, [(x, y)], []),
        (add, [(x, y), (x + 1, y)], []),
        (add, [(x, y), (x, np.ones(3, "f4"))], ["b: float32, before float64"]),
        (add, [(x, y), (x, np.ones((2, 3)))], ["b: shape (2, 3), before (3,)"]),
        (add, [(x, y), (np.ones(6)[::2], y)], ["a: strides (16,), before C order"]),
        (add, [(x, y), (x, frozen)], ["b: read-only, before writeable"]),
        (add, [(x, 2.5), (x, 3.5)], ["b: 3.5, before 2.5"]),
        (add, [(x, 2.5), (x, 3)], ["b: 3, before 2.5"]),
        (add, [(x, y), (x, np.float64(2))], ["b: a NumPy scalar of float64, before float64[3]"]),
        (add, [(x, y), (x, x)], ["a and b are one array, before they did not"]),
        (add, [(base[:3], base[2:5]), (x, y)], ["a and b do not share memory, before they did"]),
        (add, [(x, y), (base[:3], base[2:5])], ["a and b overlap in memory, before they did not"]),
        (add, [(x, y), (x, None)], ["b: None, before float64[3]"]),
        # The nearest of those known is compared.
        (add, [(x, y), (np.ones(5, "f4"), 3), (x, np.ones((2, 3)))], ["b: shape (2, 3), before (3,)"]),
        (unpack, [({"x": x, "k": 2},), ({"x": x, "k": 3},)], ["state['k']: 3, before 2"]),
        (unpack, [([x, y],), ([x],)], ["state: list of 1, before list of 2"]),
        (unpack, [([x, y],), ({"x": x, "k": 2},)], ["state: a dict of 'x', 'k', before list of 2"]),
        (lambda p: p.x + p.y, [(Point(x, y),), (Point(x, np.ones(3, int)),)], ["p.y: int64, before float64"]),
        (lambda *xs: sum(xs), [(x, y), (x, y, x)], None),
    ],
)
def test_why_a_call_was_traced_again(f, calls, want):
    got = traced_again(f, *calls)
    if want is None:
        assert got == ["positional arguments: tuple of 3, before tuple of 2"]
    else:
        assert got == want


def test_static_arguments():
    def power(x, n, shift=0.0):
        return x**n + shift

    f = frit.jit(power, static_argnames="n")
    f(x, 2)
    assert f.explain(x, 3).retraced == ["n: 3, before 2"]
    assert f.explain(x, n=2).retraced == []
    assert f.explain(np.ones(4), 2).retraced == ["x: shape (4,), before (3,)"]


def test_keyword_arguments():
    f = frit.jit(lambda x, k=1: x * k)
    f(x)
    assert f.explain(x, k=2).retraced == ["keyword arguments: a dict of 'k', before a dict of nothing"]


def test_names_outside_of_the_function():
    shift = 1
    f = frit.jit(lambda x: x * scale + shift)
    global scale
    scale = 2
    f(x)
    scale = 3
    assert f.explain(x).retraced == ["scale, a name outside of the function, stands for something else"]
    f(x)
    shift = 2
    assert f.explain(x).retraced == ["shift, a name outside of the function, stands for something else"]


scale = 1


def test_arguments_that_cannot_be_told_apart():
    report = frit.jit(add).explain(x, object())
    assert not report.compiled and "an argument of type object" in report.reason


class Checker(HTMLParser):
    """Every tag is closed, and nothing runs or loads."""

    def __init__(self):
        super().__init__()
        self.open, self.text, self.tags = [], [], set()

    def handle_starttag(self, tag, attrs):
        assert tag not in ("script", "iframe", "img", "link") and not any(k.startswith("on") or k in ("src", "href") for k, _ in attrs)
        self.open.append(tag)
        self.tags.add(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def checked(html):
    c = Checker()
    c.feed(html)
    c.close()
    assert not c.open
    return "".join(c.text), c.tags


def f_with_all(x):
    y = np.exp(x) * table
    if y.sum() > 0:
        y = np.packbits(np.exp(y) > 1) * 2
    return y


table = np.full((2, 2), 2.0)


def test_html():
    f = frit.jit(f_with_all, fallback="quiet")
    f(np.ones((2, 2)))
    text, tags = checked(f.explain(np.ones((2, 2)))._repr_html_())
    for part in ("f_with_all", "projected peak", "1 array from outside", "1 call of NumPy", "2 decisions of Python", "bool()", "exp"):
        assert part in text, part
    assert {"table", "details", "pre"} <= tags
    assert f"{__file__}:" in text


def test_html_escapes():
    f = frit.jit(lambda x: x * 2)
    f.__name__ = "<script>alert(1)</script>"
    text, _ = checked(f.explain(x)._repr_html_())
    assert "<script>" in text
    text, tags = checked(f.dump(x)._repr_html_())
    assert "graph @" in text and tags == {"pre"}
    assert isinstance(f.dump(x), str)


def test_html_of_what_is_not_compiled():
    text, _ = checked(frit.jit(add).explain(x, object())._repr_html_())
    assert "not compiled" in text and "an argument of type object" in text


VIEWS = [lambda x: x.T, lambda x: x[::2], lambda x: x.shape, lambda x: (x, 3)]


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("called", [False, True])
def test_where_there_is_nothing_to_compute(view, called, tmp_path):
    f, x = frit.jit(view), np.ones((4, 3))
    if called:
        f(x)
    need = f.memory(x)
    assert (need.peak_bytes, need.input_bytes, need.output_bytes, need.temporaries) == (0, 96, 0, [])
    assert str(need) == "projected peak 0 B, of it results 0 B; arguments 96 B" and "0 B" in need._repr_html_()
    for ask in (f.suggest_chunks, f.dump, f.visualize, lambda x: f.save(tmp_path / "f.json", x)):
        with pytest.raises(frit.FallbackError, match="there is nothing to compute in <lambda>: it only shows its arguments"):
            ask(x)


def test_nothing_to_compute_for_named_sizes():
    need = frit.jit(lambda x: x.T).memory(frit.spec(("n", 3)))
    assert str(need.peak_bytes) == "0" and str(need.input_bytes) == "24*n" and need.names() == ["n"]
    assert need.at(n=100).input_bytes == 2400 and need.at(n=100).peak_bytes == 0


def test_what_numpy_runs_alone():
    f = frit.jit(lambda x: np.packbits(x), fallback="quiet")
    f(np.ones(8, "u1"))
    need = f.memory(np.ones(8, "u1"))
    assert need.peak_bytes == 0 and "NumPy runs numpy.packbits" in need.notes[0]
    with pytest.raises(frit.FallbackError, match="NumPy runs all of <lambda>"):
        f.dump(np.ones(8, "u1"))


def add(x, y):
    return x + y


def add_to(x, y):
    x += y
    return x


def product(x, y):
    return np.linalg.inv(x @ y)


@pytest.mark.parametrize(("function", "args"), [
    (add, (np.ones(4),)), (add, (np.ones(4),) * 3), (add, (np.ones(4), np.ones(3))), (add, (np.broadcast_to(1.0, 10**10), np.ones(3))),
    (add_to, (np.ones(4), np.ones(3))), (add_to, (np.ones(4, int), np.ones(4))),
    (product, (np.ones((3, 4)), np.ones((3, 4)))), (product, (np.ones((3, 4)), np.ones((4, 2)))),
])  # fmt: skip
def test_wrong_calls_are_the_errors_that_they_are(function, args, tmp_path):
    f = frit.jit(function, fallback="quiet")
    with pytest.raises((TypeError, ValueError)) as want:
        f.__wrapped__(*args)
    for ask in (f.memory, f.explain, f.warnings, f.suggest_chunks, f.dump, f.visualize, lambda *a: f.save(tmp_path / "f.json", *a), f):
        with pytest.raises(want.type) as got:
            ask(*args)
        assert str(got.value) == str(want.value)
        if ask is not f:
            assert not f._entries


@pytest.mark.parametrize("args", [(), (1,), (1, 2, 3)])
def test_wrong_calls_with_static_arguments(args):
    ran = []

    def scaled(x, n):
        ran.append(n)
        return x * n

    f = frit.jit(scaled, static_argnames="n")
    for ask in (f, f.memory, f.explain):
        with pytest.raises(TypeError, match=r"scaled\(\) (missing|takes)"):
            ask(*args)
    assert not ran and not f._entries
