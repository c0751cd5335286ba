"""The arguments of a call: what tells it from others, what the traced function sees, and what the call leaves in them."""

from __future__ import annotations

from . import interrupt
from .errors import Abandon
from .signature import Fields, Signature, fill, results


class Arguments(Signature):
    """The signature of a call."""

    def __init__(self):
        super().__init__()
        #: Positional and keyword arguments, and what a bound method is bound to, with places of arrays and objects.
        self.tree, self.owner = None, None
        #: The key of the names outside, and what they stand for.
        self.names, self.seen = (), None


class Given:
    """The arguments that a traced function sees: tracers in place of arrays, copies in place of objects."""

    def __init__(self, a, values):
        self.objects = {}
        self.args, self.kwargs = fill(a.tree[0], values, self.objects), fill(a.tree[1], values, self.objects)
        self.owner = fill(a.owner, values, self.objects)
        self._before = {k: dict(x.__dict__) for k, x in self.objects.items()}
        #: By the ids of copies, the places of what they are copies of.
        self.places = {id(x): Fields(type(x), {}, k) for k, x in self.objects.items()}
        self._containers = []
        for x in (*self.args, *self.kwargs.values(), *[v for d in self._before.values() for v in d.values()]):
            self._note(x)

    def _note(self, x):
        if type(x) in (list, tuple, dict):
            if type(x) is not tuple:
                self._containers.append((x, [*x.items()] if type(x) is dict else [*x]))
            for y in x.values() if type(x) is dict else x:
                self._note(y)

    def rebound(self, trace):
        """Attributes that the function has set, as (object, name, value) with places of arrays; and the arrays."""
        for x, before in self._containers:
            now = [*x.items()] if type(x) is dict else [*x]
            pairs = zip(now, before)
            if len(now) != len(before) or any(p is not q and not (type(x) is dict and p[0] == q[0] and p[1] is q[1]) for p, q in pairs):
                raise Abandon(f"a {type(x).__name__} among the arguments is changed")
        changed, found = [], []
        for k, x in self.objects.items():
            before = self._before[k]
            if before.keys() - x.__dict__.keys():
                raise Abandon("an attribute of an argument is deleted")
            for name, v in x.__dict__.items():
                if name not in before or v is not before[name]:
                    changed.append((k, name, results(v, found, trace, self.places)))
        return changed, found


def rebind(rebound, objects, arrays):
    there = dict(enumerate(objects))
    for k, name, v in rebound:
        objects[k].__dict__[name] = fill(v, arrays, there)


def finish(end, a, slots):
    """What a call leaves: written arguments, attributes that were set, and its results."""
    if end.writes:
        interrupt.write_back([a.leaves[k] for k, _ in end.writes], [slots[n] for _, n in end.writes])
    arrays = [r.get(a.leaves, slots) for r in end.recipes]
    if a.objects:
        rebind(end.rebound, a.objects, arrays)
        return fill(end.result, arrays, dict(enumerate(a.objects)))
    return fill(end.result, arrays, {})
