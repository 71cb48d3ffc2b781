"""Images that are created: what other readers see, how they are stored, what they replace."""

import errno
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from types import SimpleNamespace

import numpy as np
import pytest
import zarr
from funlib.geometry import Coordinate, Roi
from hypothesis import given, settings
from hypothesis import strategies as st
from ome_zarr.io import parse_url
from ome_zarr.reader import Reader

from dalsegno.arrays.chunk_layout import ChunkLayout, chunk_layout
from dalsegno.arrays.zarr_array import ZarrArray, ZarrArrayConfig
from dalsegno.errors import DataError

RNG = np.random.default_rng(0)


@pytest.fixture
def container(tmp_path):
    return tmp_path / "a.zarr"


def create(container, dataset="image", axes="zyx", begin=(80, -20, 16), shape=(4, 10, 12), voxel=(8, 4, 4), **options):
    dims = len(axes) - axes.count("c")
    channels = 3 if "c" in axes else None
    roi = Roi(begin[-dims:], Coordinate(shape[-dims:]) * Coordinate(voxel[-dims:]))
    identifier = SimpleNamespace(container=container, dataset=dataset)
    arguments = {"dtype": np.uint16, "units": "nm", **options}
    return ZarrArray.create_from_array_identifier(
        identifier, list(axes), roi, channels, Coordinate(voxel[-dims:]), **arguments
    )


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
    with pytest.raises(DataError, match="name a container"):
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


class TestShards:
    @settings(max_examples=200)
    @given(st.lists(st.tuples(st.integers(1, 3000), st.integers(1, 400)), min_size=1, max_size=3), st.booleans())
    def test_regions_never_share_a_shard(self, axes, known):
        shape, regions = zip(*axes, strict=True)
        layout = chunk_layout(shape, regions if known else None)
        shards = layout.shards or layout.chunks
        for size, region, shard, chunk in zip(shape, regions, shards, layout.chunks, strict=True):
            assert shard % chunk == 0
            assert not known or region >= size or region % shard == 0

    def test_sizes(self):
        assert chunk_layout((1000, 1000, 1000)) == ChunkLayout((64, 64, 64), (128, 128, 128))
        assert chunk_layout((1000, 1000, 1000), (256, 384, 128)) == ChunkLayout((64, 64, 64), (256, 192, 128))
        assert chunk_layout((1000, 1000, 1000), (64, 64, 64)) == ChunkLayout((64, 64, 64), None)
        assert chunk_layout((1000, 1000, 1000), (112, 112, 10)) == ChunkLayout((56, 56, 10), (112, 112, 10))
        assert chunk_layout((20, 30, 40)) == ChunkLayout((20, 30, 40), None)
        assert chunk_layout((20, 100, 40), (20, 2000, 40)) == ChunkLayout((20, 64, 40), (20, 128, 40))
        assert chunk_layout((4000, 4000)) == ChunkLayout((512, 512), (1024, 1024))

    def test_blocks_are_written_at_the_same_time(self, container):
        size = Coordinate(2, 96, 96)
        array = create(container, axes="czyx", shape=(4, 288, 192), write_size=size * Coordinate(8, 4, 4))
        assert (array.source.chunks, array.source.shards) == ((1, 2, 48, 48), (1, 2, 96, 96))
        voxels = RNG.integers(0, 2**16, (3, 4, 288, 192)).astype(np.uint16)
        blocks = [Coordinate(at) * size for at in np.ndindex(2, 3, 2)]

        def write(begin):
            place = Roi(begin, size)
            array[place * array.voxel_size + array.roi.begin] = voxels[(slice(None), *place.to_slices())]

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(write, blocks))
        np.testing.assert_array_equal(array.data, voxels)

    def test_shards_are_files(self, container):
        array = create(container, shape=(1, 300, 300), write_size=Coordinate(8, 800, 800), dtype=np.uint8)
        array[array.roi] = 1
        files = [path for path in (container / "image/s0/c").rglob("*") if path.is_file()]
        assert len(files) == 4
        assert array.source.shards == (1, 200, 200)
