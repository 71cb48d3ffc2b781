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
    assert array.origins == {"axes": "TIFF", "voxel_size": "default", "offset": "default", "units": "default"}
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
    assert array.origins["units"] == "ImageJ TIFF"
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


class TestSeries:
    """Stacks with channels at several times."""

    voxels = np.random.default_rng(1).integers(0, 255, (2, 3, 4, 5, 6)).astype(np.uint16)
    spacing = {"axes": "TZCYX", "spacing": 0.05, "unit": "um"}

    @pytest.fixture
    def series(self, tmp_path):
        stored = np.moveaxis(self.voxels, 1, 2)
        resolution = (1 / 0.0046, 1 / 0.0046)
        tifffile.imwrite(tmp_path / "a.tif", stored, imagej=True, resolution=resolution, metadata=self.spacing)
        return tmp_path / "a.tif"

    def test_one_time_is_chosen(self, series):
        with pytest.raises(DataError, match=r"'t' .* has length 2.*\{t: 0\}"):
            FileArrayConfig(file_name=series).open()
        array = FileArrayConfig(file_name=series, select={"t": 1}).open()
        assert (array.axes, array.num_channels) == (["c", "z", "y", "x"], 3)
        assert (array.voxel_size, array.units) == (Coordinate(50000, 4600, 4600), "pm")
        np.testing.assert_array_equal(array.data, self.voxels[1])
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(array)).data, self.voxels[1])

    def test_one_channel_is_chosen(self, series):
        array = FileArrayConfig(file_name=series, select={"t": 0, "c": 2}).open()
        assert (array.axes, array.num_channels) == (["z", "y", "x"], None)
        part = Roi((50000, 9200, 0), (100000, 4600, 9200))
        np.testing.assert_array_equal(array[part], self.voxels[0, 2, 1:3, 2:3, :2])

    def test_a_place_beyond_the_axis_is_an_error(self, series):
        with pytest.raises(DataError, match="length 2; choose from 0 to 1"):
            FileArrayConfig(file_name=series, select={"t": 2}).open()


class TestReading:
    """How a file is opened."""

    def test_a_format_can_be_named(self, tiff):
        tiff.rename(tiff.with_suffix(".dat"))
        with pytest.raises(DataError, match="format"):
            FileArrayConfig(file_name=tiff.with_suffix(".dat")).open()
        array = FileArrayConfig(file_name=tiff.with_suffix(".dat"), format="tiff").open()
        np.testing.assert_array_equal(array.data, STACK)

    def test_options_are_those_of_the_format(self, tiff):
        with pytest.raises(DataError, match="tiff files have no option 'blocks'"):
            FileArrayConfig(file_name=tiff, options={"blocks": 3}).open()
        with pytest.raises(DataError, match="no option 'level'"):
            FileArrayConfig(file_name=tiff, level=1).open()
        with pytest.raises(ConfigError, match="0 or above"):
            FileArrayConfig(file_name=tiff, level=-1)

    def test_options_change_what_is_read(self, tmp_path):
        corners = []
        metadata = {"axes": [{"name": "x", "type": "space", "unit": "nm"}], "version": "0.4"}
        placed = [(4, 0), (8, 2)]
        metadata["datasets"] = [
            {
                "path": str(level),
                "coordinateTransformations": [
                    {"type": "scale", "scale": [scale]},
                    {"type": "translation", "translation": [at]},
                ],
            }
            for level, (scale, at) in enumerate(placed)
        ]
        group = zarr.create_group(tmp_path / "a.zarr", zarr_format=2, attributes={"multiscales": [metadata]})
        for level in (0, 1):
            group.create_array(str(level), data=np.arange(8 >> level))
        for convention in ("centre", "corner"):
            config = FileArrayConfig(file_name=tmp_path / "a.zarr", level=1, options={"pixel_convention": convention})
            array = config.open()
            assert (array.voxel_size, array.data.tolist()) == (Coordinate((8,)), [0, 1, 2, 3])
            corners.append(array.roi.begin[0])
        assert corners == [0, 2]


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
