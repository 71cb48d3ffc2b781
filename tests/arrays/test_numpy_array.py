"""Arrays in memory."""

import shutil

import numpy as np
import pytest
from funlib.geometry import Coordinate, Roi

from dalsegno.arrays.crop_array import CropArrayConfig
from dalsegno.arrays.dummy_array import DummyArrayConfig
from dalsegno.arrays.numpy_array import NumpyArrayConfig

DATA = np.arange(2 * 6 * 7 * 9, dtype=np.uint16).reshape(2, 6, 7, 9)


def test_another_array_is_read_once_and_held(stored):
    source = stored(DATA, channels=["a", "b"], note=7)
    crop = CropArrayConfig(source_array_config=source, roi=Roi((88, 4, 8), (16, 8, 12)))
    array = NumpyArrayConfig(source_array_config=crop).open()
    shutil.rmtree(source.file_name)
    assert (array.axes, array.roi, array.voxel_size) == (["c", "z", "y", "x"], crop.roi, Coordinate(8, 4, 4))
    assert (array.units, array.dtype, array.channels) == ("nm", np.uint16, ["a", "b"])
    assert array.attrs["note"] == 7
    np.testing.assert_array_equal(array.data, DATA[:, 1:3, 1:3, 2:5])
    assert array.data.base is not None


def test_what_is_written_stays_in_memory(stored):
    source = stored(DATA)
    array = NumpyArrayConfig(source_array_config=source).open()
    array[array.roi] = 0
    assert not array.data.any()
    np.testing.assert_array_equal(source.open().data, DATA)


def test_the_dummy_is_zeros_and_never_valid():
    config = DummyArrayConfig(name="dummy_array")
    array = config.open()
    assert (array.axes, array.voxel_size, array.dtype) == (["z", "y", "x"], Coordinate(1, 1, 1), np.float32)
    assert array.roi == Roi((0, 0, 0), (100, 50, 50))
    assert not array.data.any()
    array[Roi((1, 2, 3), (1, 1, 1))] = 5
    assert array.data.sum() == 5
    assert config.verify() == (False, "This is a DummyArrayConfig and is never valid")


@pytest.mark.parametrize("dtype", [np.bool_, np.float16, np.complex64])
def test_the_dtype_is_kept(stored, dtype):
    data = (DATA % 3).astype(dtype)
    array = NumpyArrayConfig(source_array_config=stored(data)).open()
    assert array.dtype == dtype
    np.testing.assert_array_equal(array.data, data)
