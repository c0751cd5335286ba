"""Python's operators on arrays: the NumPy functions that they stand for, for every class of arrays."""

from __future__ import annotations

import numpy as np

#: With a reflected form and, but for `divmod`, one in place.
BINARY = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.true_divide, "floordiv": np.floor_divide,
    "mod": np.remainder, "pow": np.power, "matmul": np.matmul, "and": np.bitwise_and, "or": np.bitwise_or,
    "xor": np.bitwise_xor, "lshift": np.left_shift, "rshift": np.right_shift, "divmod": np.divmod,
}  # fmt: skip
COMPARISONS = {"lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal, "eq": np.equal, "ne": np.not_equal}
UNARY = {"neg": np.negative, "pos": np.positive, "abs": np.absolute, "invert": np.invert}


def install(cls, binary, unary, in_place=None) -> None:
    """Gives a class its operators: `binary(ufunc, reflected)`, `unary(ufunc)` and `in_place(ufunc)` make the methods."""
    for name, ufunc in BINARY.items():
        setattr(cls, f"__{name}__", binary(ufunc, False))
        setattr(cls, f"__r{name}__", binary(ufunc, True))
        if in_place is not None and name != "divmod":
            setattr(cls, f"__i{name}__", in_place(ufunc))
    for name, ufunc in COMPARISONS.items():
        setattr(cls, f"__{name}__", binary(ufunc, False))
    for name, ufunc in UNARY.items():
        setattr(cls, f"__{name}__", unary(ufunc))
