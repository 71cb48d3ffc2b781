from types import SimpleNamespace

import numpy as np
import pytest
import zarr
from funlib.geometry import Coordinate, Roi

from dalsegno.arrays.zarr_array import ZarrArray, ZarrArrayConfig
from dalsegno.errors import ConfigError, DataError
from dalsegno.sources import from_spec

ROI = Roi((80, 0, 16), (160, 80, 48))
VOXEL = Coordinate(8, 4, 4)


@pytest.fixture
def identifier(tmp_path):
    return SimpleNamespace(container=tmp_path / "a.zarr", dataset="volumes/raw")


def create(identifier, num_channels=2, dtype=np.float32, **options):
    axes = ["z", "y", "x"] if num_channels is None else ["c", "z", "y", "x"]
    return ZarrArray.create_from_array_identifier(identifier, axes, ROI, num_channels, VOXEL, dtype, **options)


def test_what_was_created_opens_again(identifier):
    created = create(identifier, units="nm", name="prediction")
    assert created.config.name == "prediction"
    data = np.random.default_rng(0).random((2, 20, 20, 12)).astype(np.float32)
    created[ROI] = data
    for array in (ZarrArray.open_from_array_identifier(identifier), created):
        assert (array.axes, array.roi, array.voxel_size) == (["c", "z", "y", "x"], ROI, VOXEL)
        assert (array.units, array.dtype, array.num_channels) == ("nm", np.float32, 2)
        np.testing.assert_array_equal(array.data, data)


def test_an_array_without_channels_or_units(identifier):
    array = create(identifier, None, np.uint64)
    assert (array.axes, array.num_channels, array.units) == (["z", "y", "x"], None, "voxel")
    assert not array.data.any()


def test_an_existing_array_is_replaced_only_on_request(identifier):
    create(identifier)[ROI] = 1
    with pytest.raises(DataError, match="overwrite=True"):
        create(identifier)
    other = SimpleNamespace(container=identifier.container, dataset="volumes/other")
    create(other)[ROI] = 2
    assert not create(identifier, overwrite=True).data.any()
    assert not create(identifier, mode="w").data.any()
    assert (ZarrArray.open_from_array_identifier(other).data == 2).all()


def test_regions_are_written_and_metadata_is_added(identifier):
    array = create(identifier)
    region = Roi((88, 4, 20), (8, 8, 4))
    array[region] = 5
    assert array.data.sum() == 5 * 2 * 2
    array.add_metadata({"iteration": 7})
    assert array.attrs["iteration"] == 7
    assert ZarrArray.open_from_array_identifier(identifier).attrs["iteration"] == 7


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_values_of_numpy_become_plain_metadata(identifier, zarr_format):
    zarr.open_group(identifier.container, mode="w", zarr_format=zarr_format)
    array = create(identifier)
    array.add_metadata(
        {"n": np.int64(3), "mean": np.float32(0.5), "ids": np.arange(2), "box": {"at": VOXEL}, "a": None}
    )
    for one in (array, ZarrArray.open_from_array_identifier(identifier)):
        assert {name: one.attrs[name] for name in ("n", "mean", "ids", "box", "a")} == {
            "n": 3, "mean": 0.5, "ids": [0, 1], "box": {"at": [8, 4, 4]}, "a": None
        }  # fmt: skip


@pytest.mark.parametrize("value", [object(), b"bytes", float("nan"), np.complex64(1j), {(1, 2): 3}, {1, 2}])
def test_metadata_that_can_not_be_stored_changes_nothing(identifier, value):
    array = create(identifier)
    before = array.attrs
    for wrong in ({"first": 1, "wrong": value}, {3: 1}):
        with pytest.raises(DataError, match=r"the attribute .* can't be stored"):
            array.add_metadata(wrong)
        assert array.attrs == ZarrArray.open_from_array_identifier(identifier).attrs == before
    array.add_metadata({"right": 1})
    assert array.attrs == before | {"right": 1}


def test_metadata_of_two_that_write_is_kept(identifier):
    first, second = create(identifier), ZarrArray.open_from_array_identifier(identifier)
    assert "a" not in second.attrs
    first.add_metadata({"a": 1})
    second.add_metadata({"b": 2})
    assert {"a": 1, "b": 2}.items() <= ZarrArray.open_from_array_identifier(identifier).attrs.items()


def test_metadata_that_could_not_be_written_is_not_kept(identifier):
    array = create(identifier)
    document = identifier.container / "volumes/raw/s0/zarr.json"
    kept = document.read_text()
    document.unlink()
    with pytest.raises(FileNotFoundError):
        array.add_metadata({"a": 1})
    document.write_text(kept)
    assert "a" not in array.attrs


def test_attributes_are_a_copy(identifier):
    array = create(identifier)
    array.attrs["a"] = 1
    assert "a" not in array.attrs


def test_a_read_only_array_is_not_written(identifier):
    create(identifier)
    config = ZarrArrayConfig(file_name=identifier.container, dataset=identifier.dataset, mode="r")
    array = config.open()
    with pytest.raises(DataError, match="read-only"):
        array[ROI] = 1
    with pytest.raises(DataError, match="read-only"):
        array.add_metadata({"a": 1})
    assert not from_spec(array.source.to_spec()).writable


def test_opening_creates_nothing(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        ZarrArrayConfig(file_name=tmp_path / "missing.zarr", dataset="raw").open()
    assert not list(tmp_path.iterdir())


def test_snapping_shrinks_the_region(identifier):
    create(identifier)[ROI] = np.arange(12)
    config = ZarrArrayConfig(file_name=identifier.container, dataset=identifier.dataset, snap_to_grid=(48, 32, 32))
    array = config.open()
    assert array.roi == Roi((96, 0, 32), (144, 64, 32))
    np.testing.assert_array_equal(array.data[0, 0, 0], np.arange(4, 12))
    with pytest.raises(DataError, match="between voxels"):
        ZarrArrayConfig(file_name=identifier.container, dataset=identifier.dataset, snap_to_grid=(6, 4, 4)).open()
    with pytest.raises(DataError, match="no voxel"):
        ZarrArrayConfig(file_name=identifier.container, dataset=identifier.dataset, snap_to_grid=(800, 4, 4)).open()
    with pytest.raises(DataError, match=r"has 2 numbers, but .* 3 axes"):
        ZarrArrayConfig(file_name=identifier.container, dataset=identifier.dataset, snap_to_grid=(16, 16)).open()


def test_the_config_overrides_the_attributes(tmp_path):
    zarr.create_array(tmp_path / "a.zarr", data=np.zeros((3, 4, 2), np.uint8), attributes={"resolution": [9, 9]})
    array = ZarrArrayConfig(
        file_name=tmp_path / "a.zarr", dataset="", axes=["y", "x", "c"], voxel_size=[8, 4], offset=[80, 0], units="nm"
    ).open()
    assert (array.axes, array.roi, array.units) == (["c", "y", "x"], Roi((80, 0), (24, 16)), "nm")
    with pytest.raises(ConfigError, match="units: pm"):
        ZarrArrayConfig(
            file_name=tmp_path / "a.zarr", dataset="", axes=["y", "x", "c"], voxel_size=[8.5, 4], units="nm"
        ).open()


def test_names_of_channels_are_read(tmp_path):
    attributes = {"axis_names": ["c^", "x"], "channels": ["mito", "membrane"]}
    zarr.create_array(tmp_path / "a.zarr", data=np.zeros((2, 4), np.uint8), attributes=attributes)
    assert ZarrArrayConfig(file_name=tmp_path / "a.zarr", dataset="").open().channels == ["mito", "membrane"]


@pytest.fixture
def pyramid(tmp_path):
    """A series of two times and two channels in two resolutions, as OME-Zarr 0.5, with voxels of 4.5 nm."""
    axes = [{"name": "t", "type": "time"}, {"name": "c", "type": "channel"}]
    axes += [{"name": name, "type": "space", "unit": "nanometer"} for name in "yx"]
    levels = [
        {"path": f"s{n}", "coordinateTransformations": [
            {"type": "scale", "scale": [1, 1, 4.5 * 2**n, 4.5 * 2**n]},
            {"type": "translation", "translation": [0, 0, 9 + 2.25 * n, 2.25 * n]}]}
        for n in range(2)
    ]  # fmt: skip
    ome = {"version": "0.5", "multiscales": [{"axes": axes, "datasets": levels}]}
    ome["omero"] = {"channels": [{"label": "raw"}, {"label": "mask"}]}
    group = zarr.create_group(tmp_path / "p.zarr", attributes={"ome": ome})
    for level, voxels in enumerate((SERIES, SERIES[..., ::2, ::2])):
        group.create_array(f"s{level}", data=voxels, dimension_names=["t", "c", "y", "x"])
    return tmp_path / "p.zarr"


SERIES = np.random.default_rng(0).integers(0, 99, (2, 2, 4, 6)).astype(np.uint8)


def test_levels_of_a_pyramid_have_the_same_corner(pyramid):
    fine, coarse = (
        ZarrArrayConfig(file_name=pyramid, dataset="", level=level, select={"t": 1}).open() for level in (None, 1)
    )
    assert fine.roi == coarse.roi == Roi((9000, 0), (18000, 27000))
    assert (fine.units, fine.voxel_size, coarse.voxel_size) == ("pm", Coordinate(4500, 4500), Coordinate(9000, 9000))
    assert (fine.axes, fine.channels) == (["c", "y", "x"], ["raw", "mask"])
    np.testing.assert_array_equal(fine.data, SERIES[1])
    part = Roi((18000, 9000), (9000, 9000))
    np.testing.assert_array_equal(coarse[part], SERIES[1, :, 2:3:2, 2:3:2])
    with pytest.raises(DataError, match="level"):
        ZarrArrayConfig(file_name=pyramid, dataset="", level=2, select={"t": 1}).open()
    with pytest.raises(ConfigError, match="units: pm"):
        ZarrArrayConfig(file_name=pyramid, dataset="", units="nm", select={"t": 1}).open()


def test_a_channel_at_a_time_is_read_and_written(pyramid):
    with pytest.raises(DataError, match=r"'t' .* has length 2"):
        ZarrArrayConfig(file_name=pyramid, dataset="").open()
    array = ZarrArrayConfig(file_name=pyramid, dataset="", select={"t": 0, "c": 1}).open()
    assert (array.axes, array.num_channels, array.channels, array.mode) == (["y", "x"], None, None, "a")
    np.testing.assert_array_equal(array.data, SERIES[0, 1])
    array[Roi((13500, 4500), (9000, 4500))] = 200
    stored = zarr.open_array(pyramid / "s0")[:]
    assert (stored == 200).sum() == 2
    assert (stored[0, 1, 1:3, 1] == 200).all()


def test_a_layout_that_does_not_fit_is_an_error(identifier):
    for axes, num_channels in ((["z", "y", "x"], 2), (["c", "z", "y", "x"], None), (["z", "c", "y", "x"], 2)):
        with pytest.raises(DataError, match="don't fit"):
            ZarrArray.create_from_array_identifier(identifier, axes, ROI, num_channels, VOXEL, np.uint8)
    with pytest.raises(DataError, match="no multiple"):
        ZarrArray.create_from_array_identifier(identifier, ["z", "y", "x"], ROI, None, Coordinate(7, 4, 4), np.uint8)
    assert not identifier.container.exists()


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_what_is_discarded_can_not_be_opened_and_all_else_stays(identifier, zarr_format):
    zarr.create_group(identifier.container, zarr_format=zarr_format)
    neighbour = SimpleNamespace(container=identifier.container, dataset="volumes/gt")
    array, other = create(identifier), create(neighbour)
    array[ROI] = other[ROI] = np.float32(4)
    inside = zarr.open_group(identifier.container)["volumes/raw"].create_group("notes")
    inside.attrs["kept"] = True
    with pytest.raises(DataError, match="read-only"):
        ZarrArrayConfig(file_name=identifier.container, dataset="volumes/raw", mode="r").open().discard()
    array.discard()
    with pytest.raises(DataError):
        ZarrArray.open_from_array_identifier(identifier)
    assert (ZarrArray.open_from_array_identifier(neighbour).data == 4).all()
    assert zarr.open_group(identifier.container)["volumes/raw/notes"].attrs["kept"]
    assert not create(identifier).data.any()
