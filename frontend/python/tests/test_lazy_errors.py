"""What lazy arrays cannot do is an error that says so."""

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

import frit


def test_assignment_below_sliding_windows():
    b = frit.array(np.arange(6.0))
    windows = sliding_window_view(b, 3)
    with pytest.raises(frit.FallbackError, match=r"sliding windows: .*x\.copy\(\)"):
        b[0] = 7
    np.testing.assert_array_equal(np.asarray(windows), sliding_window_view(np.arange(6.0), 3))
