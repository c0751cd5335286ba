"""Values of deferred nodes: one program for what is asked for, found again by the structure of its graph."""

from __future__ import annotations

import re
import sys

import numpy as np

from .. import _frit, debug, diagnostics
from .graph import LOCK, Node, filled

#: Programs that are kept; the one not used for longest goes.
_MOST_PROGRAMS = 1024
_programs: dict = {}

#: What is told of programs of lazy arrays, as `FRIT_WARN` has it, and where it was.
FINDINGS = diagnostics.Findings(diagnostics.thresholds(None), set(), None)

#: Counts since the start: programs compiled and run, deferred operations run.
counts = {"lazy_programs": 0, "lazy_runs": 0, "lazy_operations": 0}

#: Operations without work of their own: never worth keeping.
_CHEAP = frozenset("getitem reshape transpose broadcast_to diagonal full cast".split())


def _order(roots):
    """Nodes that `roots` depend on, operands first; those that are there are leaves."""
    order, seen, stack = [], set(), [(n, False) for n in reversed(roots)]
    while stack:
        n, ready = stack.pop()
        if ready:
            order.append(n)
        elif id(n) not in seen:
            seen.add(id(n))
            stack.append((n, True))
            if n.value is None:
                stack.extend((m, False) for m in reversed(n.operands))
    return order


def pending_below(roots):
    return sum(n.value is None for n in _order(roots))


def compute(nodes):
    """Computes what is pending of `nodes` by one program. Parts that others still need are kept.

    Raises IndexError for positions out of bounds, `numpy.linalg.LinAlgError` for matrices without an answer.
    """
    with LOCK:
        roots = list({id(n): n for n in nodes if n.value is None}.values())
        if not roots:
            return
        order = _order(roots)
        outputs = roots + _shared(order, roots)
        number = {id(n): k for k, n in enumerate(order)}
        key: list = []
        leaves = []
        for n in order:
            if n.value is None:
                key.append(n.op)
                key.append(n.index)
                key.extend([number[id(m)] for m in n.operands])
            else:
                leaves.append(n.value)
                key.append((n.dtype, n.shape, n.value.flags.c_contiguous))
        key.append(tuple([number[id(n)] for n in outputs]))
        key = tuple(key)
        program = _programs.pop(key, None)
        if program is None:
            program = _compile(order, number, outputs)
            for d in FINDINGS.of(program, leaves, [False] * len(leaves)):
                diagnostics.tell(d, FINDINGS.told)
            if len(_programs) >= _MOST_PROGRAMS:
                del _programs[next(iter(_programs))]
        _programs[key] = program
        counts["lazy_runs"] += 1
        counts["lazy_operations"] += len(order) - len(leaves)
        try:
            values = debug.run(program, leaves, [False] * len(outputs))
        except _frit.RunError as e:
            raise _error(str(e)) from None
        for n, v in zip(outputs, values):
            n.done(v)


def _compile(order, number, outputs):
    counts["lazy_programs"] += 1
    b = _frit.Builder("lazy")
    made, strided = [], []
    for n in order:
        if n.value is not None:
            made.append(b.input(f"x{len(strided)}", n.dtype, list(n.shape)))
            strided.append(not n.value.flags.c_contiguous)
            continue
        b.at(*n.place)
        r = b.call(n.op.name, *filled(n.op.args, iter([made[number[id(m)]] for m in n.operands])))
        made.append(r if n.index is None else r[n.index])
    return b.compile([made[number[id(n)]] for n in outputs], strided, "reassociate", None, 0)


def _bytes(n):
    size = np.dtype(n.dtype).itemsize
    for k in n.shape:
        size *= k
    return size


def _shared(order, roots):
    """Nodes on the way that something outside of this computation still needs: another deferred operation, or an array
    that a variable holds.

    Kept are those that are not larger than all arguments and results together: the sum over a huge outer difference
    stays one that is never in memory, though a variable holds the difference. Whether a node is needed elsewhere is
    read off its reference count, which may only err on the side of keeping.
    """
    inner: dict = {}
    for n in order:
        for m in n.operands:
            inner[id(m)] = inner.get(id(m), 0) + 1
    known = {id(n) for n in roots}
    limit = None
    shared = []
    for n in order:
        if n.value is not None or id(n) in known or n.op.name in _CHEAP:
            continue
        # `order`, the loop's variable and the call's argument hold it too.
        if sys.getrefcount(n) > inner[id(n)] + 3:
            if limit is None:
                limit = sum(_bytes(m) for m in order if m.value is not None or id(m) in known)
            if _bytes(n) <= limit:
                shared.append(n)
    return shared


def _error(text):
    # Without the operation and its place.
    text = re.sub(r"^\w+ \(.*?:\d+\): ", "", text, flags=re.S)
    if "out of bounds" in text:
        return IndexError(text)
    if "singular" in text.lower() or "positive definite" in text.lower() or "converge" in text.lower():
        return np.linalg.LinAlgError(text)
    return RuntimeError(text)


def computed(node: Node):
    """The value of a node."""
    if node.value is None:
        compute([node])
    return node.value
