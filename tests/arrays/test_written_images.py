"""Images that are created: what other readers see, how they are stored, what they replace."""

import errno
import json
import sys
from contextlib import suppress

import numpy as np
import pytest
import zarr
from funlib.geometry import Coordinate, Roi
from image_creation import create
from ome_zarr.io import parse_url
from ome_zarr.reader import Reader

from dalsegno.arrays.zarr_array import ZarrArrayConfig
from dalsegno.errors import DataError

RNG = np.random.default_rng(0)


@pytest.fixture
def container(tmp_path):
    return tmp_path / "a.zarr"


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize("axes", ["yx", "cyx", "zyx", "czyx"])
def test_the_ome_zarr_package_reads_what_is_written(container, axes, zarr_format):
    zarr.open_group(container, mode="w", zarr_format=zarr_format)
    array = create(container, "volumes/raw", axes)
    voxels = RNG.integers(0, 2**16, array.data.shape).astype(np.uint16)
    array[array.roi] = voxels
    (node,) = Reader(parse_url(container / "volumes/raw"))()
    np.testing.assert_array_equal(np.asarray(node.data[0]), voxels)
    kinds = {"c": {"type": "channel"}} | {axis: {"type": "space", "unit": "nanometer"} for axis in "zyx"}
    assert node.metadata["axes"] == [{"name": axis, **kinds[axis]} for axis in axes]
    scale, translation = node.metadata["coordinateTransformations"][0]
    assert scale["scale"] == [1.0] * axes.count("c") + [float(size) for size in array.voxel_size]
    assert translation["translation"] == [0.0] * axes.count("c") + [float(at) for at in array.roi.begin]


@pytest.mark.parametrize(("zarr_format", "version"), [(2, "0.4"), (3, "0.5")])
def test_the_metadata_is_that_of_the_version(container, zarr_format, version):
    zarr.open_group(container, mode="w", zarr_format=zarr_format)
    array = create(container, axes="czyx")
    attributes = zarr.open_group(container / "image", mode="r").attrs.asdict()
    image = attributes if version == "0.4" else attributes["ome"]
    assert (image["version"] if version == "0.5" else image["multiscales"][0]["version"]) == version
    stored = zarr.open_array(container / "image/s0", mode="r")
    assert stored.metadata.zarr_format == zarr_format
    assert stored.attrs["voxel_size"] == [8, 4, 4]
    if zarr_format == 3:
        assert stored.metadata.dimension_names == ("c", "z", "y", "x")
        assert "zstd" in json.dumps(stored.metadata.to_dict()["codecs"])
    assert array.origins == dict.fromkeys(("axes", "voxel_size", "offset", "units"), f"OME-Zarr {version}")


def test_group_and_level_and_root_open_alike(container):
    array = create(container, "raw")
    array[array.roi] = 7
    for dataset, level in (("raw", None), ("raw", 0), ("raw/s0", None)):
        again = ZarrArrayConfig(file_name=container, dataset=dataset, level=level).open()
        assert (again.axes, again.roi, again.voxel_size, again.units) == (array.axes, array.roi, (8, 4, 4), "nm")
        assert (again.data == 7).all()
    root = create(container.with_name("root.zarr"), "")
    assert (root.roi, root.data.any()) == (array.roi, np.False_)


def test_what_is_there_is_replaced_only_on_request(container):
    create(container, "raw")[Roi((80, -20, 16), (8, 4, 4))] = 1
    group = zarr.open_group(container)
    group["raw"].create_array("mine", data=np.arange(3))
    group.create_array("bare", data=np.arange(3))
    for dataset in ("raw", "bare"):
        with pytest.raises(DataError, match="overwrite=True"):
            create(container, dataset)
        assert not create(container, dataset, overwrite=True).data.any()
    assert list(zarr.open_array(container / "raw/mine")) == [0, 1, 2]
    for dataset in ("raw/mine/deeper", "raw/s0"):
        with pytest.raises(DataError, match=r"choose another name|overwrite=True"):
            create(container, dataset)
    zarr.create_array(container.with_name("array.zarr"), shape=(2,), dtype="u1")
    with pytest.raises(DataError, match="name another container"):
        create(container.with_name("array.zarr"))


@pytest.fixture
def full_disk():
    """Return a function that lets some files be opened for writing below a folder, and no more."""
    state = {"folder": None, "left": 0}

    def hook(event, arguments):
        if event != "open" or state["folder"] is None:
            return
        path, mode, _ = arguments
        if isinstance(mode, str) and set(mode) & set("wxa+") and str(path).startswith(str(state["folder"])):
            state["left"] -= 1
            if state["left"] < 0:
                raise OSError(errno.ENOSPC, "No space left on device")

    def allow(folder, files):
        state.update(folder=folder, left=files)

    sys.addaudithook(hook)
    yield allow
    state["folder"] = None


def test_an_interrupted_creation_leaves_nothing_half_written(container, full_disk):
    """The old image, none, or the new one: never the new voxels in the old place."""
    seen = []
    while "new" not in seen:
        full_disk(None, 0)
        old = create(container, "raw", overwrite=True)
        old[old.roi] = 1
        full_disk(container, len(seen))
        with suppress(OSError):
            create(container, "raw", voxel=(16, 4, 4), begin=(0, 0, 0), overwrite=True)
        full_disk(None, 0)
        try:
            array = ZarrArrayConfig(file_name=container, dataset="raw").open()
        except DataError:
            seen.append("none")
            continue
        seen.append("old" if array.roi == old.roi else "new")
        assert (array.data == (1 if seen[-1] == "old" else 0)).all()
        assert seen[-1] == "old" or array.roi == Roi((0, 0, 0), (64, 40, 48))
    assert {"old", "none", "new"} == set(seen)


def test_numbers_that_json_would_cut_are_an_error(container):
    with pytest.raises(DataError, match="too many digits"):
        create(container, begin=(10**17 + 1, 0, 0))
    with pytest.raises(DataError, match="write_size"):
        create(container, write_size=Coordinate(12, 4, 4))
    assert not container.exists()
