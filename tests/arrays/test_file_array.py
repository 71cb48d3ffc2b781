import os
import pickle
from pathlib import Path

import nibabel
import numpy as np
import pytest
import tifffile
import zarr
from funlib.geometry import Coordinate, Roi

from dalsegno.arrays.file_array import FileArrayConfig
from dalsegno.errors import ConfigError, DataError

VNC = Path(os.environ.get("VNC_DATA", Path(__file__).parents[3] / "shared/data/vnc"))
STACK = np.random.default_rng(0).integers(0, 255, (4, 5, 6)).astype(np.uint8)


@pytest.fixture
def tiff(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", STACK, photometric="minisblack", metadata={"axes": "ZYX"})
    return tmp_path / "a.tif"


def test_without_any_geometry_voxels_are_the_unit(tiff):
    array = FileArrayConfig(file_name=tiff).open()
    assert (array.units, array.voxel_size, array.roi) == ("voxel", Coordinate(1, 1, 1), Roi((0, 0, 0), STACK.shape))
    assert array.origins == {"axes": "header", "voxel_size": "default", "offset": "default", "units": "default"}
    np.testing.assert_array_equal(array[Roi((1, 2, 3), (2, 2, 2))], STACK[1:3, 2:4, 3:5])
    assert not array.writable


def test_the_config_places_the_array(tiff):
    array = FileArrayConfig(
        file_name=tiff, voxel_size=[50000, 4600, 4600], offset=[0, 9200, 0], units="pm", axes=["y", "z", "x"]
    ).open()
    assert (array.units, array.voxel_size, array.axes) == ("pm", Coordinate(50000, 4600, 4600), ["y", "z", "x"])
    assert array.roi == Roi((0, 9200, 0), (200000, 23000, 27600))
    assert set(array.origins.values()) == {"config"}
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(array)).data, STACK)


def test_fractions_in_the_config_name_the_unit_that_makes_them_whole(tiff):
    with pytest.raises(ConfigError, match=r"voxel_size: \[50000, 4600, 4600\], units: pm"):
        FileArrayConfig(file_name=tiff, voxel_size=[50, 4.6, 4.6], units="nm").open()


def test_fractions_in_the_header_choose_the_unit(tmp_path):
    resolution = (1 / 0.0046, 1 / 0.0046)
    metadata = {"axes": "ZYX", "spacing": 0.05, "unit": "um"}
    tifffile.imwrite(tmp_path / "a.tif", STACK, imagej=True, resolution=resolution, metadata=metadata)
    array = FileArrayConfig(file_name=tmp_path / "a.tif").open()
    assert (array.units, array.voxel_size) == ("pm", Coordinate(50000, 4600, 4600))
    assert array.origins["units"] == "header"
    given = FileArrayConfig(file_name=tmp_path / "a.tif", units="pm", offset=[1, 2, 3]).open()
    assert (given.voxel_size, given.roi.begin) == (array.voxel_size, Coordinate(1, 2, 3))
    with pytest.raises(ConfigError, match="units: pm"):
        FileArrayConfig(file_name=tmp_path / "a.tif", units="nm").open()


def test_voxel_sizes_without_a_unit_are_an_error(tmp_path, tiff):
    image = nibabel.Nifti1Image(STACK.T, np.eye(4))
    image.header.set_xyzt_units("unknown")
    nibabel.save(image, tmp_path / "a.nii")
    with pytest.raises(DataError, match="set `units`"):
        FileArrayConfig(file_name=tmp_path / "a.nii").open()
    array = FileArrayConfig(file_name=tmp_path / "a.nii", units="mm").open()
    assert (array.units, array.voxel_size) == ("mm", Coordinate(1, 1, 1))
    np.testing.assert_array_equal(array.data, STACK)
    with pytest.raises(DataError, match="set `units`"):
        FileArrayConfig(file_name=tiff, voxel_size=[1, 1, 1]).open()
    with pytest.raises(DataError, match="set `voxel_size`"):
        FileArrayConfig(file_name=tiff, units="nm").open()


def test_axes_and_numbers_have_to_fit_the_shape(tiff):
    with pytest.raises(DataError, match=r"shape \(4, 5, 6\) and axes \['c', 'z', 'y', 'x'\]"):
        FileArrayConfig(file_name=tiff, axes=["c", "z", "y", "x"]).open()
    with pytest.raises(DataError, match="name of its own"):
        FileArrayConfig(file_name=tiff, axes=["z", "z", "x"]).open()
    with pytest.raises(DataError, match=r"voxel_size .* has 2 numbers, but there are 3 spatial axes"):
        FileArrayConfig(file_name=tiff, voxel_size=[4, 4], units="nm").open()
    with pytest.raises(ConfigError, match="above 0"):
        FileArrayConfig(file_name=tiff, voxel_size=[4, 4, 0], units="nm")


def test_zarr_in_any_file_array(tmp_path):
    attributes = {"voxel_size": [0.05, 0.0046, 0.0046], "offset": [0.1, 0, 0], "units": "um"}
    zarr.create_group(tmp_path / "a.zarr").create_array("raw", data=STACK, attributes=attributes)
    array = FileArrayConfig(file_name=tmp_path / "a.zarr", dataset="raw").open()
    assert (array.units, array.voxel_size) == ("pm", Coordinate(50000, 4600, 4600))
    assert array.roi.begin == Coordinate(100000, 0, 0)
    assert array.attrs == attributes


@pytest.mark.skipif(not (VNC / "raw.tif").exists(), reason=f"the vnc stack is not in {VNC}; set VNC_DATA")
def test_a_published_stack():
    array = FileArrayConfig(file_name=VNC / "raw.tif", voxel_size=[50000, 4600, 4600], units="pm").open()
    assert array.roi.shape == Coordinate(16 * 50000, 1024 * 4600, 1024 * 4600)
    region = Roi((50000 * 3, 4600 * 100, 0), (50000, 4600 * 10, 4600 * 20))
    np.testing.assert_array_equal(array[region], tifffile.imread(VNC / "raw.tif")[3:4, 100:110, :20])
