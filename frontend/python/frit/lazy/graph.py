"""Deferred operations: a graph that Python's garbage collection prunes.

A node is an operation of the namespace on other nodes, or an array that is there. Nodes know their types, which the
compiled half infers when they are made; nothing else is compiled before a value is asked for (`compute`). A node holds
what it is computed from, and nothing holds a node but its users: forgotten parts are freed, and never run.
"""

from __future__ import annotations

import threading

import numpy as np

from .. import _frit
from ..errors import Break, user_place
from ..trace import Trace

#: Deferred nodes below one node; when a graph would grow beyond it, what it stands on is computed first.
MOST_PENDING = 500
#: Different operations that are remembered with their types.
_MOST_OPS = 1 << 16

#: Guards everything that follows from values: computing, counting.
LOCK = threading.RLock()


class _Ref:
    """The place of an operand in the arguments of an operation."""

    def __repr__(self):
        return "#"


REF = _Ref()


class Op:
    """A function of the namespace with all its arguments but the arrays; one object for equal ones, so that graphs are
    compared by identity."""

    __slots__ = ("name", "args", "types")

    def __init__(self, name, args):
        self.name, self.args, self.types = name, args, {}


class Node:
    """An array to be computed (`op`, `operands`, `index` among several results), or one that is there (`value`), which is never
    written again."""

    __slots__ = ("op", "operands", "index", "dtype", "shape", "value", "pending", "place", "__weakref__")

    def __init__(self, dtype, shape, op=None, operands=(), index=None, value=None, pending=0, place=None):
        self.op, self.operands, self.index, self.value = op, operands, index, value
        self.dtype, self.shape, self.pending, self.place = dtype, shape, pending, place

    def done(self, value):
        self.value = value
        self.op, self.operands, self.pending = None, (), 0


_ops: dict = {}


def _key(x, operands):
    """Something hashable that tells arguments apart (`1` from `True` and `1.0`, `-0.0` from `0.0`)."""
    t = type(x)
    if t is Node:
        operands.append(x)
        return REF
    if t is int or t is str or x is None or x is Ellipsis:
        return x
    if t in (bool, float, complex):
        return t, repr(x)
    if t is slice:
        return t, _key(x.start, operands), _key(x.stop, operands), _key(x.step, operands)
    if t in (list, tuple):
        return t, *[_key(y, operands) for y in x]
    if isinstance(x, (np.generic, str, int, float)):
        return t, repr(x)
    raise TypeError(f"an argument of type {t.__name__}")


def _template(x):
    """Arguments with `REF` in place of nodes."""
    t = type(x)
    if t is Node:
        return REF
    return t([_template(y) for y in x]) if t in (list, tuple) else x


def filled(x, operands):
    """A template with operands, taken from an iterator."""
    t = type(x)
    if t is _Ref:
        return next(operands)
    return t([filled(y, operands) for y in x]) if t in (list, tuple) else x


def _infer(op, operands):
    """Types of an operation's results: (element type, shape), or a list of them."""
    b = _frit.Builder("types")
    inputs = [b.input(f"x{k}", n.dtype, list(n.shape)) for k, n in enumerate(operands)]
    r = b.call(op.name, *filled(op.args, iter(inputs)))
    return [b.type(n) for n in r] if type(r) is list else b.type(r)


#: Operations whose Python numbers become operands, so that other numbers are not other programs.
_LIFTED = frozenset("add subtract multiply divide maximum minimum".split())


def _lift(name, operands):
    """Operands with Python numbers as arrays without axes, of the type that NumPy gives weak numbers."""
    if name not in _LIFTED:
        return operands
    types = [n.dtype for n in operands if type(n) is Node]
    if len(types) != 1:
        return operands
    # Numbers that rewriting knows something about stay where it sees them.
    number = next((x for x in operands if type(x) is not Node), None)
    if type(number) not in (int, float, complex) or number in (0, 1, -1, 2, 0.5):
        return operands
    try:
        with np.errstate(all="ignore"):
            lifted = leaf(np.asarray(number, np.result_type(np.dtype(types[0]), number)))
    except OverflowError:
        return operands
    return [n if type(n) is Node else lifted for n in operands]


def record(name, args, place):
    """A deferred call: its node, or a list of them."""
    if name == "elementwise":
        args = (args[0], _lift(args[0], args[1]))
    operands: list = []
    key = (name, *[_key(x, operands) for x in args])
    op = _ops.get(key)
    if op is None:
        if len(_ops) >= _MOST_OPS:
            _ops.clear()
        op = _ops.setdefault(key, Op(name, tuple(_template(x) for x in args)))
    signature = tuple([(n.dtype, n.shape) for n in operands])
    types = op.types.get(signature)
    if types is None:
        if len(op.types) >= _MOST_OPS:
            op.types.clear()
        types = op.types[signature] = _infer(op, operands)
    operands = tuple(operands)
    pending = 1
    for n in operands:
        pending += n.pending
    if pending > MOST_PENDING:
        pending = _settle(operands) + 1
    if type(types) is list:
        return [Node(*t, op, operands, k, None, pending, place) for k, t in enumerate(types)]
    return Node(*types, op, operands, None, None, pending, place)


def _settle(operands):
    """The number of nodes that are pending below operands, which are computed if that is too many."""
    from .compute import compute, pending_below

    with LOCK:
        # The sum of the operands' numbers counts shared parts again and again; this is exact.
        below = pending_below(operands)
        if below < MOST_PENDING:
            return below
        compute(operands)
        return 0


def leaf(a):
    """A node for an array that nobody writes any more."""
    return Node(a.dtype.name, a.shape, value=a)


class LazyTrace(Trace):
    """The trace of arrays that are not part of a traced function. It has no state: nodes are the graph."""

    #: What no rule can do is the array's to do through NumPy (`array.run`): rules break off.
    depth = 1
    lazy = True

    def __init__(self):
        pass

    def holds(self, node):
        """The truth of a node, which is computed."""
        from .compute import computed

        return bool(computed(node))

    def register(self, storage):
        pass

    def decide(self, kind, tracer, reason):
        raise Break(reason)

    def escape(self, tracer, reason):
        raise Break(reason)

    broken = property(lambda self: None, lambda self, why: None)

    def call(self, name, *args):
        try:
            return record(name, args, user_place())
        except (Exception, RecursionError) as e:
            raise Break(f"{name}: {e}", error=True) from None

    def type(self, node):
        return node.dtype, node.shape

    def constant(self, a):
        return leaf(self._own(a))

    def capture(self, a):
        """A node for an array of the caller as it is now."""
        if type(a) is not np.ndarray or not _frit.readable(a):
            raise Break(f"an array of type {type(a).__name__}, {a.dtype}")
        return leaf(self._own(a))

    @staticmethod
    def _own(a):
        """A copy: the caller may write `a` before the value is asked for."""
        return np.array(a, order="K")

    def parameter(self, dtype, shape):
        raise Break("a parameter of a lazy array")


#: All lazy arrays are of this one.
LAZY = LazyTrace()
