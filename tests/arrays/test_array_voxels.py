"""Arrays where sources are taken."""

import subprocess
import sys

import numpy as np
import pytest
import zarr
from funlib.geometry import Coordinate, Roi
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dalsegno.arrays.binarize_array import BinarizeArrayConfig
from dalsegno.arrays.crop_array import CropArrayConfig
from dalsegno.arrays.numpy_array import NumpyArray
from dalsegno.arrays.zarr_array import ZarrArrayConfig
from dalsegno.sources import as_source, from_spec

LABELS = np.random.default_rng(0).integers(0, 4, (5, 6, 7)).astype(np.uint8)
ROI, VOXEL = Roi((80, 0, -40), (40, 24, 28)), Coordinate(8, 4, 4)
CLASSES = {"groupings": [("one", [1]), ("some", [])]}


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    path = tmp_path_factory.mktemp("voxels") / "a.zarr"
    frame = {"axis_names": ["z", "y", "x"], "offset": [80, 0, -40], "voxel_size": [8, 4, 4], "units": "nm"}
    zarr.create_array(path, data=LABELS, attributes=frame)
    return ZarrArrayConfig(file_name=path, dataset="")


def test_a_stored_array_that_shows_all_gives_its_source(stored):
    array = stored.open()
    assert as_source(array) is array.source
    np.testing.assert_array_equal(from_spec(as_source(array).to_spec())[...], LABELS)


def test_a_view_is_read_by_voxels_from_its_own_corner(stored):
    crop = CropArrayConfig(source_array_config=stored, roi=Roi((88, 4, -36), (24, 16, 20)))
    voxels = as_source(BinarizeArrayConfig(source_array_config=crop, **CLASSES).open())
    wanted = np.stack([LABELS == 1, LABELS != 0])[:, 1:4, 1:5, 1:6]
    assert (voxels.shape, voxels.dtype, voxels.writable) == ((2, 3, 4, 5), np.uint8, False)
    np.testing.assert_array_equal(voxels, wanted)
    assert voxels[1, -1, 2, 3] == wanted[1, -1, 2, 3]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_index_reads_what_numpy_reads(stored, data):
    voxels = as_source(BinarizeArrayConfig(source_array_config=stored, **CLASSES).open())
    wanted = np.stack([LABELS == 1, LABELS != 0])
    entries = [st.integers(-size, size - 1) | st.slices(size).filter(_plain) for size in wanted.shape]
    index = data.draw(st.tuples(*entries))
    np.testing.assert_array_equal(voxels[index], wanted[index])


def _plain(entry):
    return entry.step in (None, 1)


def test_channels_come_first_and_single_ones_are_written():
    data = np.zeros((3, 4, 2), np.uint16)
    array = NumpyArray.from_np_array(data, Roi((0, 0), (6, 8)), Coordinate(2, 2), ["y", "x", "c"])
    voxels = as_source(array)
    assert (voxels.shape, voxels.writable) == ((2, 3, 4), True)
    voxels[1, 1:, 2] = [5, 6]
    assert data[1:, 2, 1].tolist() == [5, 6]
    assert data.sum() == 11


def test_what_is_not_possible_is_said(stored):
    view = as_source(BinarizeArrayConfig(source_array_config=stored, **CLASSES).open())
    with pytest.raises(TypeError, match="read-only"):
        view[0] = 1
    with pytest.raises(ValueError, match="open its config elsewhere"):
        view.to_spec()


def test_arrays_are_known_as_soon_as_one_is_opened(stored):
    code = (
        "from dalsegno.arrays.zarr_array import ZarrArrayConfig as Z\n"
        "from dalsegno.sources import as_source\n"
        f"print(as_source(Z(file_name={str(stored.file_name)!r}, dataset='').open()).shape)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "(5, 6, 7)"
