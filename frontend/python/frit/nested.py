"""What is in nested arguments and results: in lists, tuples (named ones and other kinds of them, too), dicts and slices."""

from __future__ import annotations


def is_named(x) -> bool:
    """True for a named tuple, as `numpy.linalg.eigh` returns."""
    return isinstance(x, tuple) and hasattr(x, "_fields")


def leaves(x):
    """All that is in nested values and is not one itself, in order."""
    if isinstance(x, (list, tuple)):
        for y in x:
            yield from leaves(y)
    elif isinstance(x, dict):
        for y in x.values():
            yield from leaves(y)
    elif type(x) is slice:
        yield from leaves((x.start, x.stop, x.step))
    else:
        yield x


def mapped(f, x):
    """Nested values with `f` of each leaf in its place. Named tuples stay what they are; of another kind of list, tuple or
    dict nothing is known but its items."""
    t = type(x)
    if isinstance(x, (list, tuple)):
        items = [mapped(f, y) for y in x]
        return items if isinstance(x, list) else t._make(items) if is_named(x) else tuple(items)
    if isinstance(x, dict):
        return {k: mapped(f, y) for k, y in x.items()}
    if t is slice:
        return slice(mapped(f, x.start), mapped(f, x.stop), mapped(f, x.step))
    return f(x)
