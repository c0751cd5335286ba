"""Why a call had to be traced: what tells its signature from those known before."""

from __future__ import annotations

import inspect

from .nested import is_named
from .signature import Fields, Leaf


def parameter_paths(function, tree, static):
    """A name for each part of a signature's key, in the order of `signature.flatten`, and for each array."""
    args, kwargs = tree
    parts, leaves, seen = [], [], set()

    def walk(x, path):
        parts.append(path)
        t = type(x)
        if t is Leaf:
            leaves.append(path)
        elif t is Fields:
            if x.number not in seen:
                seen.add(x.number)
                for name, y in x.attributes.items():
                    walk(y, f"{path}.{name}")
        elif is_named(x):
            for name, y in zip(x._fields, x):
                walk(y, f"{path}.{name}")
        elif t in (list, tuple):
            for k, y in enumerate(x):
                walk(y, f"{path}[{k}]")
        elif t is dict:
            for k, y in x.items():
                walk(y, f"{path}[{k!r}]")

    if static:
        parts += ["static arguments", "arguments"]
        for name, x in kwargs.items():
            if name not in static:
                walk(x, name)
        return parts, leaves
    parts.append("positional arguments")
    for name, x in zip(_names(function, len(args)), args):
        walk(x, name)
    parts.append("keyword arguments")
    for name, x in kwargs.items():
        walk(x, name)
    return parts, leaves


def _names(function, count):
    """Names of positional arguments."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    names = []
    for p in parameters:
        if p.kind is p.VAR_POSITIONAL:
            names += [f"{p.name}[{k}]" for k in range(count - len(names))]
        elif p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD):
            names.append(p.name)
    return (names + [f"argument {k}" for k in range(len(names), count)])[:count]


def differences(key, known, paths):
    """What `key` has and the nearest of the keys `known` before it has not, in words; empty if there is none."""
    best = None
    for other in known:
        found = _between(key, other, paths)
        if best is None or len(found) < len(best):
            best = found
    return best or []


def _between(key, other, paths):
    parts, leaves = paths
    n = len(parts)
    found = []
    for path, a, b in zip(parts, key, other):
        if a == b:
            continue
        if path == "static arguments":
            before = dict(b)
            found += [f"{k}: {v!r}, before {before[k]!r}" if k in before else f"{k}: {v!r}, before not given" for k, v in a if before.get(k, k) != v]
            continue
        if not _alike(a, b):
            return [*found, f"{path}: {_words(a)}, before {_words(b)}"]
        found += [f"{path}: {text}" for text in _details(a, b)]
    now, before = set(key[n:]), set(other[n:])
    for how, i, j in sorted(now - before):
        found.append(f"{leaves[i]} and {leaves[j]} {_SHARING[how]}, before they did not")
    for how, i, j in sorted(before - now):
        found.append(f"{leaves[i]} and {leaves[j]} do not share memory, before they did")
    return found


_SHARING = {"same": "are one array", "overlap": "overlap in memory"}


def _alike(a, b):
    """True if two parts stand for the same structure, so that the parts after them do, too."""
    kinds = ("array", "scalar")
    if "object" in (a[0], b[0]):
        return False
    if a[0] in kinds or b[0] in kinds:
        return a[0] in kinds and b[0] in kinds
    return a[0] not in (list, tuple, dict) and not hasattr(a[0], "_fields") and b[0] not in (list, tuple, dict) and not hasattr(b[0], "_fields")


def _words(part):
    kind, *rest = part
    if kind == "array":
        return f"{rest[0]}{list(rest[1])}"
    if kind == "scalar":
        return f"a NumPy scalar of {rest[0]}"
    if kind in ("object", "opaque"):
        return f"a {rest[0].__name__}" + (f" of {', '.join(rest[1]) or 'nothing'}" if kind == "object" else "")
    if kind == "again":
        return "an object given before"
    if kind is dict:
        return f"a dict of {', '.join(map(repr, rest[0])) or 'nothing'}"
    if kind in (list, tuple) or hasattr(kind, "_fields"):
        return f"{kind.__name__} of {rest[0]}"
    return f"{rest[0]}" if kind in (float, complex, slice) else repr(rest[0])


def _details(a, b):
    if a[0] != "array" or b[0] != "array":
        return [f"{_words(a)}, before {_words(b)}"]
    _, dtype, shape, strides, writeable = a
    _, dtype_b, shape_b, strides_b, writeable_b = b
    found = []
    if dtype != dtype_b:
        found.append(f"{dtype}, before {dtype_b}")
    if shape != shape_b:
        found.append(f"shape {shape}, before {shape_b}")
    elif strides != strides_b:
        order = {True: "C order", False: "strides {}"}
        found.append(f"{order[strides is None].format(strides)}, before {order[strides_b is None].format(strides_b)}")
    elif (strides is None) != (strides_b is None):
        found.append("C order" if strides is None else "not in C order")
    if writeable != writeable_b:
        found.append("writeable, before read-only" if writeable else "read-only, before writeable")
    return found
