"""The table from NumPy's functions to rules."""

from __future__ import annotations

import numpy as np


class NoRule(Exception):
    """Raised by a rule, before it does anything, for arguments that it does not cover: NumPy's own Python code may."""


#: NumPy function -> rule.
RULES: dict = {}


def rule(*functions):
    def add(f):
        for g in functions:
            RULES[g] = f
        return f

    return add


#: Functions whose results may share memory with their arguments: never folded.
VIEWS = {
    np.reshape, np.ravel, np.transpose, np.matrix_transpose, np.swapaxes, np.squeeze, np.diagonal, np.broadcast_to, np.broadcast_arrays,
    np.expand_dims, np.moveaxis, np.rollaxis, np.atleast_1d, np.atleast_2d, np.atleast_3d, np.flip, np.fliplr, np.flipud, np.rot90, np.split,
    np.array_split, np.hsplit, np.vsplit, np.dsplit, np.unstack, np.real, np.imag, np.diag, np.meshgrid, np.astype, np.may_share_memory,
    np.shares_memory, np.linalg.diagonal, np.linalg.matrix_transpose, np.lib.stride_tricks.sliding_window_view, np.apply_along_axis, np.piecewise,
}  # fmt: skip
#: Functions that write arguments: never folded, never decomposed.
MUTATE = {np.copyto, np.put, np.putmask, np.place, np.fill_diagonal, np.put_along_axis, np.nan_to_num}
