"""The sum of arrays."""

import numpy as np
import pytest
import tifffile
from funlib.geometry import Roi

from dalsegno.arrays.file_array import FileArrayConfig
from dalsegno.arrays.sum_array import SumArrayConfig
from dalsegno.errors import ConfigError, DataError


@pytest.fixture
def stored(tmp_path):
    def store(name, data, **changes):
        tifffile.imwrite(tmp_path / f"{name}.tif", data)
        given = {"voxel_size": (2, 2), "units": "nm", "axes": ("y", "x")} | changes
        return FileArrayConfig(file_name=tmp_path / f"{name}.tif", **given)

    return store


def test_arrays_are_added_without_wrapping_around(stored):
    first = np.full((20, 30), 200, np.uint8)
    second = np.arange(600).reshape(20, 30).astype(np.uint16)
    total = SumArrayConfig(source_array_configs=[stored("a", first), stored("b", second), stored("c", first)]).open()
    roi = Roi((4, 8), (10, 20))
    np.testing.assert_array_equal(total[roi], 400 + np.arange(600).reshape(20, 30)[2:7, 4:14])
    assert total[roi].dtype == total.dtype


def test_arrays_that_do_not_fit_are_refused(stored):
    data = np.zeros((20, 30), np.uint8)
    with pytest.raises(DataError, match="voxel_size"):
        SumArrayConfig(source_array_configs=[stored("a", data), stored("b", data[:10], voxel_size=(4, 2))]).open()


def test_nothing_to_add_is_refused():
    with pytest.raises(ConfigError, match="no array"):
        SumArrayConfig(source_array_configs=[])
