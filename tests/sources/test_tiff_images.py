"""TIFFs of several images, and images of several files."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import tifffile
from stored_kinds import write_parts

from dalsegno.errors import DataError
from dalsegno.sources import open_source

STACK = np.random.default_rng(0).integers(0, 60000, (5, 30, 40)).astype(np.uint16)


def test_several_images_need_a_number(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as tiff:
        tiff.write(STACK)
        tiff.write(STACK[0, :20])
    with pytest.raises(ValueError, match=r"holds 2 images.*internal_path.*1: \(20, 40\)"):
        open_source(tmp_path / "a.tif")
    with pytest.raises(KeyError, match="no image '2'"):
        open_source(tmp_path / "a.tif", "2")
    np.testing.assert_array_equal(open_source(tmp_path / "a.tif", "1")[:], STACK[0, :20])


def test_pages_that_were_written_in_a_loop_are_one_stack(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as tiff:
        for page in STACK:
            tiff.write(page)
    source = open_source(tmp_path / "a.tif")
    assert (source.shape, source.chunks, source.metadata.axes) == (STACK.shape, (1, 30, 40), ("z", "y", "x"))
    np.testing.assert_array_equal(source[:], STACK)
    np.testing.assert_array_equal(source[1:3, 4:7, -5:], STACK[1:3, 4:7, -5:])
    np.testing.assert_array_equal(open_source(tmp_path / "a.tif", "3")[:], STACK[3])


def test_pages_of_colors_that_were_written_in_a_loop(tmp_path):
    colors = np.random.default_rng(0).integers(0, 255, (4, 8, 9, 3)).astype(np.uint8)
    with tifffile.TiffWriter(tmp_path / "a.tif") as tiff:
        for page in colors:
            tiff.write(page, compression="zlib", photometric="rgb", contiguous=False)
    source = open_source(tmp_path / "a.tif")
    assert source.metadata.axes == ("z", "y", "x", "c")
    np.testing.assert_array_equal(source[:], colors)


def test_many_images_that_differ_make_a_short_message(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as tiff:
        for size in range(1, 61):
            tiff.write(np.zeros((2, size), np.uint8))
    with pytest.raises(ValueError, match=r"19: \(2, 20\) and 40 more$"):
        open_source(tmp_path / "a.tif")
    with pytest.raises(KeyError, match=r"and 40 more$"):
        open_source(tmp_path / "a.tif", "60")


def test_equal_images_of_an_ome_tiff_are_no_stack(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.ome.tif") as tiff:
        for place, page in enumerate(STACK[:2]):
            size = {"PhysicalSizeX": place + 2, "PhysicalSizeY": 3}
            tiff.write(page, metadata={"axes": "YX", **size}, contiguous=False)
    with pytest.raises(ValueError, match="holds 2 images"):
        open_source(tmp_path / "a.ome.tif")
    second = open_source(tmp_path / "a.ome.tif", "1")
    np.testing.assert_array_equal(second[:], STACK[1])
    assert second.metadata.voxel_size == (3, 3)


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("count", [2, 40])
def test_threads_read_an_image_of_several_files(tmp_path, compression, count):
    stack = np.random.default_rng(0).integers(0, 60000, (40, 50, 60)).astype(np.uint16)
    path = write_parts(tmp_path, stack, count, compression=compression)
    np.testing.assert_array_equal(tifffile.imread(path), stack)
    np.testing.assert_array_equal(open_source(tmp_path / "m1.ome.tif")[:], stack)
    order = np.random.default_rng(0).permutation(40)
    for _ in range(5):
        with open_source(path) as source, ThreadPoolExecutor(8) as threads:
            for number, page in zip(order, threads.map(source.__getitem__, order.tolist()), strict=True):
                np.testing.assert_array_equal(page, stack[number])


def test_missing_files_of_an_image_are_named(tmp_path):
    stack = np.random.default_rng(0).integers(1, 60000, (6, 30, 40)).astype(np.uint16)
    path = write_parts(tmp_path, stack, 3, compression="zlib")
    (tmp_path / "m1.ome.tif").rename(tmp_path / "away.ome.tif")
    with pytest.raises(DataError, match=r"2 of the 6 planes of .*m0\.ome\.tif are in files .*missing: m1\.ome\.tif;"):
        open_source(path)
    expected = stack.copy()
    expected[2:4] = 0
    np.testing.assert_array_equal(open_source(path, fill_missing=True)[:], expected)
    (tmp_path / "m1.ome.tif").write_bytes((tmp_path / "away.ome.tif").read_bytes()[:100])
    with pytest.raises(DataError, match=r"promises.*m1\.ome\.tif.*complete"):
        open_source(path)


def test_a_file_that_goes_after_opening_is_named(tmp_path):
    path = write_parts(tmp_path, STACK[:4], 2)
    with open_source(path) as source:
        (tmp_path / "m1.ome.tif").unlink()
        np.testing.assert_array_equal(source[:2], STACK[:2])
        with pytest.raises(DataError, match=r"page 2 of .*m1\.ome\.tif"):
            source[2]


def test_planes_that_only_the_header_has_are_an_error(tmp_path):
    tifffile.imwrite(tmp_path / "a.ome.tif", STACK, metadata={"axes": "ZYX"}, compression="zlib")
    longer = (tmp_path / "a.ome.tif").read_bytes().replace(b'SizeZ="5"', b'SizeZ="9"')
    (tmp_path / "a.ome.tif").write_bytes(longer)
    with pytest.raises(DataError, match="4 of the 9 planes"):
        open_source(tmp_path / "a.ome.tif")
