"""Reading beyond the border of the data."""

import numpy as np
import pytest
from funlib.geometry import Coordinate, Roi
from hypothesis import given
from hypothesis import strategies as st

from dalsegno.arrays.numpy_array import NumpyArray
from dalsegno.errors import DataError
from dalsegno.patches.padding import read_mirrored


def line(count=7):
    data = np.arange(count, dtype=np.float32)
    return NumpyArray.from_np_array(data, Roi((20,), (count * 2,)), Coordinate(2), ["x"])


@given(begin=st.integers(-10, 16), count=st.integers(1, 30))
def test_voxels_outside_are_mirrored_at_the_border(begin, count):
    roi = Roi((20 + 2 * begin,), (2 * count,))
    if roi.intersect(line().roi).empty:
        with pytest.raises(DataError, match="does not overlap"):
            read_mirrored(line(), roi)
        return

    def mirrored(position):
        while not 0 <= position < 7:
            position = -position if position < 0 else 12 - position
        return position

    expected = [mirrored(position) for position in range(begin, begin + count)]
    np.testing.assert_array_equal(read_mirrored(line(), roi), expected)


def test_channels_are_not_padded():
    data = np.arange(12).reshape(2, 2, 3)
    array = NumpyArray.from_np_array(data, Roi((0, 0), (2, 3)), Coordinate(1, 1), ["c", "y", "x"])
    np.testing.assert_array_equal(read_mirrored(array, Roi((0, -1), (2, 5))), data[:, :, [1, 0, 1, 2, 1]])
