"""Ufuncs over parts of arrays: products, and the routines that `numpy.linalg` and `numpy.fft` are written over."""

from __future__ import annotations

import contextlib

import numpy as np
from numpy.linalg import _umath_linalg as lapack

from ..errors import local
from ..trace import current
from .arguments import array, none_but, result
from .table import NoRule

#: Generalized ufunc -> rule.
GUFUNCS: dict = {}


def _rule(*ufuncs):
    def add(f):
        GUFUNCS.update(dict.fromkeys(ufuncs, f))
        return f

    return add


@_rule(np.matmul)
def matmul(x, y, **kwargs):
    dtype = kwargs.pop("dtype", None)
    none_but(kwargs, order="K", subok=True)
    x, y = array(x), array(y)
    if dtype is not None:
        if np.dtype(dtype).kind not in "biufc" or not np.can_cast(np.result_type(x.dtype, y.dtype), dtype, "same_kind"):
            raise NoRule(f"with dtype={dtype} has no rule")
        x, y = x.astype(dtype), y.astype(dtype)
    return current().fresh(current().call("matmul", x.node, y.node))


@_rule(np.vecdot)
def vecdot(x, y, axis=-1, **kwargs):
    none_but(kwargs, order="K", subok=True)
    return current().fresh(current().call("vecdot", array(x).node, array(y).node, axis))


@_rule(np.matvec)
def matvec(x, y, **kwargs):
    none_but(kwargs, order="K", subok=True)
    x, y = array(x), array(y)
    if x.ndim < 2 or not y.ndim:
        raise NoRule("of arrays with too few axes")
    return scalar(np.matmul(x, y[..., None])[..., 0])


@_rule(np.vecmat)
def vecmat(x, y, **kwargs):
    none_but(kwargs, order="K", subok=True)
    x, y = array(x), array(y)
    if y.ndim < 2 or not x.ndim:
        raise NoRule("of arrays with too few axes")
    return scalar(np.matmul(x.conj()[..., None, :], y)[..., 0, :])


def scalar(x):
    return x if x.ndim else x[()]


def _routine(name, *more, results=1):
    """A routine; NumPy computes in double precision whatever it returns, and says so by `signature`."""

    def f(*xs, signature, **kwargs):
        none_but(kwargs)
        inputs = signature.partition("->")[0]
        nodes = [array(x).astype(np.dtype(t)).node for x, t in zip(xs, inputs)]
        r = current().call(name, *nodes, *more)
        return result(r) if results == 1 else tuple(result(n) for n in r)

    return f


def _cholesky(upper):
    f = _routine("cholesky", False)

    def g(x, **kwargs):
        # The one triangle that is read is the upper one, too.
        if upper:
            return np.swapaxes(lower(np.swapaxes(array(x), -1, -2).conj(), **kwargs), -1, -2).conj()
        return lower(array(x), **kwargs)

    def lower(x, **kwargs):
        if x.dtype.kind == "c":
            # What the diagonal has of imaginary parts is not looked at.
            x = np.where(array(np.eye(x.shape[-1], dtype=bool)), x.real, x)
        return f(x, **kwargs)

    return g


GUFUNCS[lapack.inv] = _routine("inv")
GUFUNCS[lapack.det] = _routine("det")
GUFUNCS[lapack.slogdet] = _routine("slogdet", results=2)
GUFUNCS[lapack.cholesky_lo], GUFUNCS[lapack.cholesky_up] = _cholesky(False), _cholesky(True)
GUFUNCS[lapack.eigvalsh_lo], GUFUNCS[lapack.eigvalsh_up] = _routine("eigvalsh", True), _routine("eigvalsh", False)
GUFUNCS[lapack.svd] = _routine("svdvals")


@contextlib.contextmanager
def any_phase():
    """Inside, vectors that are defined only up to a sign or phase may differ in it from NumPy's: what is made of them
    does not depend on it."""
    before, local.any_phase = getattr(local, "any_phase", False), True
    try:
        yield
    finally:
        local.any_phase = before


def _vectors(name, *more, results):
    f = _routine(name, *more, results=results)

    def g(*xs, **kwargs):
        if not getattr(local, "any_phase", False):
            raise NoRule("gives vectors that are defined only up to a sign: NumPy's are kept")
        return f(*xs, **kwargs)

    return g


GUFUNCS[lapack.eigh_lo], GUFUNCS[lapack.eigh_up] = _vectors("eigh", True, results=2), _vectors("eigh", False, results=2)
GUFUNCS[lapack.svd_f], GUFUNCS[lapack.svd_s] = _vectors("svd", True, results=3), _vectors("svd", False, results=3)


def _solve(vector):
    def f(a, b, *, signature, **kwargs):
        none_but(kwargs)
        t = np.dtype(signature[0])
        a, b = array(a).astype(t), array(b).astype(t)
        # One right-hand side for a stack of matrices, or the other way round.
        batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-1] if vector else b.shape[:-2])
        a = np.broadcast_to(a, batch + a.shape[-2:])
        b = np.broadcast_to(b[..., None] if vector else b, batch + (b[..., None] if vector else b).shape[-2:])
        r = result(current().call("solve", a.node, b.node))
        return r[..., 0] if vector else r

    return f


GUFUNCS[lapack.solve], GUFUNCS[lapack.solve1] = _solve(False), _solve(True)
