import numpy as np
import pytest
from funlib.geometry import Coordinate, Roi

from dalsegno.arrays.numpy_array import NumpyArray


@pytest.fixture(scope="session")
def make_array():
    """Makes an array in memory; data with one axis more than the voxel size has channels."""

    def make(data, voxel_size=(8, 8, 8), offset=None, units="nm"):
        data = np.asarray(data)
        size = Coordinate(voxel_size)
        shape = Coordinate(data.shape[-size.dims :])
        axes = ["c"] * (data.ndim - size.dims) + ["z", "y", "x"][-size.dims :]
        roi = Roi(offset or (0,) * size.dims, shape * size)
        return NumpyArray.from_np_array(data, roi, size, axes, units=units)

    return make
