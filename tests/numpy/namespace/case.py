"""How a case of the namespace is made and stored."""

import numpy as np

RNG = np.random.default_rng(11)
CASES = []
DTYPES = ["bool", "int8", "int32", "int64", "uint8", "uint64", "float32", "float64", "complex64", "complex128"]
FLOATS = ["float32", "float64"]


def array(a):
    a = np.asarray(a)
    return {"dtype": a.dtype.name, "shape": list(a.shape), "data": np.ascontiguousarray(a).tobytes().hex()}


def data(dtype, *shape):
    """Small numbers, so that sums and products of integers do not depend on more than wrap-around."""
    d = np.dtype(dtype)
    if d.kind == "b":
        return RNG.random(shape) < 0.6
    if d.kind in "iu":
        return RNG.integers(0 if d.kind == "u" else -9, 10, shape).astype(d)
    x = RNG.normal(0.5, 2, shape)
    return (x + (1j * RNG.normal(0, 1, shape) if d.kind == "c" else 0)).astype(d)


def special(dtype, *shape):
    """With NaN, infinities and zeros of both signs."""
    x = data(dtype, *shape)
    flat = x.reshape(-1)
    for k, v in enumerate([np.nan, np.inf, -np.inf, -0.0, 0.0]):
        flat[k * 3 + 1 :: 17] = v
    return x


class Input:
    """An array given by keyword."""

    def __init__(self, a):
        self.a = np.asarray(a)


def plain(v, inputs):
    """An argument as JSON; arrays become further inputs."""
    if isinstance(v, Input):
        inputs.append(v.a)
        return {"input": len(inputs) - 1}
    if isinstance(v, np.ndarray):
        return plain(Input(v), inputs)
    if isinstance(v, slice):
        return {"slice": [v.start, v.stop, v.step]}
    if v is Ellipsis:
        return "..."
    if isinstance(v, (list, tuple)):
        return [plain(x, inputs) for x in v]
    if isinstance(v, float) and not np.isfinite(v):
        return str(v)
    if isinstance(v, type) or isinstance(v, np.dtype):
        return np.dtype(v).name
    return v


def bare(v):
    return v.a if isinstance(v, Input) else v


def function(name):
    f = np
    for part in name.split("."):
        f = getattr(f, part)
    return f


def add(f, *inputs, np_=None, list_=False, tol=None, drop=(), **kw):
    """A case of `f`; `np_` is what NumPy calls it, `list_` passes the arrays as one list, `drop` hides arguments
    from NumPy."""
    call = np_ or function(f)
    given = {k: bare(v) for k, v in kw.items() if k not in drop}
    args = (list(inputs),) if list_ else inputs
    expect = call(*args, **given)
    if not isinstance(expect, (tuple, list)):
        expect = (expect,)
    expect = [np.asarray(e) for e in expect]
    if any(e.dtype.name == "float16" for e in expect):
        return
    store(f, inputs, kw, {"expect": [array(e) for e in expect]}, tol)


def store(f, inputs, kw, more, tol=None):
    inputs = list(inputs)
    args = {k: plain(v, inputs) for k, v in kw.items()}
    case = {"f": f, "args": args, "inputs": [array(x) for x in inputs]} | more
    if tol is not None:
        case["tol"] = tol
    CASES.append(case)


def bad(f, text, *inputs, np_=None, list_=False, **kw):
    """NumPy raises with a message that contains `text`."""
    call = np_ or function(f)
    try:
        call(*((list(inputs),) if list_ else inputs), **{k: bare(v) for k, v in kw.items()})
    except (ValueError, IndexError, TypeError, np.linalg.LinAlgError, OverflowError) as e:
        assert text in str(e), f"{f}: NumPy says {e}"
        store(f, inputs, kw, {"error": text})
        return
    raise AssertionError(f"{f} {kw} does not raise")
