"""Chunks and shards: regions that are written at the same time share none, and files are neither tiny nor huge."""

import itertools
import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import zarr
from funlib.geometry import Coordinate, Roi
from hypothesis import example, given, settings
from hypothesis import strategies as st
from image_creation import create

from dalsegno.arrays.chunk_layout import ChunkLayout, chunk_layout
from dalsegno.errors import DataError

RNG = np.random.default_rng(0)


@pytest.fixture
def container(tmp_path):
    return tmp_path / "a.zarr"


@settings(max_examples=200)
@given(st.lists(st.tuples(st.integers(1, 3000), st.integers(1, 1500)), min_size=1, max_size=3), st.booleans())
@example([(2000, 1), (20000, 2048), (20000, 2048)], True)
@example([(10, 1), (5000, 4999), (5000, 4999)], True)
@example([(2000, 331)] * 3, True)
@example([(2000, 1009)] * 3, True)
@example([(10, 1), (5000, 1), (5000, 1)], False)
def test_regions_never_share_a_shard(axes, known):
    shape, regions = zip(*axes, strict=True)
    try:
        layout = chunk_layout(shape, regions if known else None)
    except DataError as error:
        numbers = re.search(r"such as \((.*?),?\) voxels", str(error))[1]
        regions = tuple(int(number) for number in numbers.split(","))
        layout = chunk_layout(shape, regions)
    shards = layout.shards or layout.chunks
    for size, region, shard, chunk in zip(shape, regions, shards, layout.chunks, strict=True):
        assert shard % chunk == 0
        assert not known or region >= size or region % shard == 0
    written = np.minimum(shape, regions) if known else np.array(shape)
    assert min(written.prod(), 25**3) <= np.prod(layout.chunks) <= 162**3
    if layout.shards:
        assert np.prod(layout.shards) <= 256**3
    assert np.prod(shards) >= min(written.prod(), 25**3)
    assert np.prod([-(-size // shard) for size, shard in zip(written, shards, strict=True)]) <= max(
        8, 8 * written.prod() / 25**3
    )


def test_regions_that_divide_well_are_few_files():
    """At least 64³ voxels a file, for edges such as those that networks give out."""
    for edges in itertools.product((56, 92, 106, 120, 216), repeat=3):
        layout = chunk_layout((4000,) * 3, edges)
        assert np.prod(layout.shards or layout.chunks) > 64**3 / 2


def test_sizes():
    assert chunk_layout((1000, 1000, 1000)) == ChunkLayout((64, 64, 64), (128, 128, 128))
    assert chunk_layout((1000, 1000, 1000), (256, 384, 128)) == ChunkLayout((64, 64, 64), (256, 384, 128))
    assert chunk_layout((1000, 1000, 1000), (64, 64, 64)) == ChunkLayout((64, 64, 64), None)
    assert chunk_layout((1000, 1000, 1000), (112, 112, 10)) == ChunkLayout((112, 112, 10), None)
    assert chunk_layout((20, 30, 40)) == ChunkLayout((20, 30, 40), None)
    assert chunk_layout((20, 300, 40), (20, 2000, 40)) == ChunkLayout((20, 300, 40), None)
    assert chunk_layout((4000, 4000)) == ChunkLayout((512, 512), (1024, 2048))
    assert chunk_layout((10, 5000, 5000)) == ChunkLayout((10, 128, 128), (10, 384, 512))
    assert chunk_layout((2000, 20000, 20000), (1, 2048, 2048)) == ChunkLayout((1, 512, 512), (1, 2048, 2048))
    assert chunk_layout((2000, 20000, 20000), (53, 211, 211)) == ChunkLayout((53, 211, 211), None)


def test_regions_without_divisors_are_an_error(container):
    with pytest.raises(DataError, match=r"\(331, 331, 331\) voxels .* such as \(330, 330, 330\) voxels"):
        create(container, shape=(400, 400, 400), write_size=Coordinate(331 * 8, 331 * 4, 331 * 4))
    assert not container.exists()


def test_blocks_are_written_at_the_same_time(container):
    size = Coordinate(2, 512, 512)
    array = create(container, "image", "zyx", shape=(4, 1024, 700), write_size=size * Coordinate(8, 4, 4))
    assert (array.source.chunks, array.source.shards) == ((2, 256, 256), (2, 512, 512))
    voxels = RNG.integers(0, 2**16, (4, 1024, 700)).astype(np.uint16)
    blocks = [Roi(Coordinate(at) * size, size).intersect(Roi((0, 0, 0), voxels.shape)) for at in np.ndindex(2, 2, 2)]

    def write(place):
        array[place * array.voxel_size + array.roi.begin] = voxels[place.to_slices()]

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, blocks))
    np.testing.assert_array_equal(array.data, voxels)


@pytest.mark.parametrize(("zarr_format", "expected"), [(3, 1), (2, 4)])
def test_a_shard_is_a_file(container, zarr_format, expected):
    zarr.open_group(container, mode="w", zarr_format=zarr_format)
    write_size = Coordinate(8, 4 * 1024, 4 * 1024)
    array = create(container, axes="czyx", shape=(1, 1024, 1024), write_size=write_size, dtype=np.uint8)
    assert array.source.chunks == (1, 1, 512, 512)
    array[array.roi] = 1
    files = [path for path in (container / "image/s0").rglob("*") if path.is_file() and path.name.isdigit()]
    assert len(files) == 3 * expected
