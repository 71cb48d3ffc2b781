import os
import subprocess
import sys
import tracemalloc
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
import tifffile

from dalsegno.errors import DataError
from dalsegno.sources import Geometry, open_source

STACK = np.random.default_rng(0).integers(0, 60000, (5, 30, 40)).astype(np.uint16)
VNC = Path(os.environ.get("VNC_DATA", Path(__file__).parents[3] / "shared/data/vnc"))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"compression": "zlib"},
        {"compression": "zlib", "predictor": True},
        {"byteorder": ">"},
        {"byteorder": ">", "compression": "zlib"},
        {"tile": (16, 16)},
        {"imagej": True},
        {"ome": True, "compression": "zlib"},
        {"rowsperstrip": 7},
    ],
)
def test_reads_boxes_of_a_stack(tmp_path, options):
    tifffile.imwrite(tmp_path / "a.tif", STACK, **options)
    source = open_source(tmp_path / "a.tif")
    assert (source.shape, source.dtype) == (STACK.shape, STACK.dtype)
    for box in (np.s_[:], np.s_[2], np.s_[1:4, 3:9, 30:], np.s_[4, 29, 39]):
        got = source[box]
        np.testing.assert_array_equal(got, STACK[box])
        assert got.dtype == np.uint16
    source[:][:] = 0
    assert source[0, 0, 0] == STACK[0, 0, 0]


def test_axes_in_front_of_the_page_keep_their_order(tmp_path):
    image = np.arange(2 * 3 * 4 * 5, dtype=np.uint8).reshape(2, 3, 4, 5)
    tifffile.imwrite(tmp_path / "a.tif", image, ome=True, compression="zlib", metadata={"axes": "CZYX"})
    source = open_source(tmp_path / "a.tif")
    assert source.metadata.axes == ("c", "z", "y", "x")
    np.testing.assert_array_equal(source[1:, 1:3, 2], image[1:, 1:3, 2])


def test_color_is_a_channel_axis(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((8, 9, 3), np.uint8), photometric="rgb")
    source = open_source(tmp_path / "a.tif")
    assert (source.shape, source.metadata.axes) == ((8, 9, 3), ("y", "x", "c"))


@pytest.mark.parametrize(
    ("options", "voxel_size", "units"),
    [
        ({}, None, None),
        ({"resolution": (1, 1), "resolutionunit": "NONE"}, None, None),
        ({"resolution": (72, 72), "resolutionunit": "INCH"}, None, None),
        (
            {
                "imagej": True,
                "resolution": (1 / 0.0046, 1 / 0.0046),
                "metadata": {"axes": "ZYX", "spacing": 0.05, "unit": "um"},
            },
            ("0.05", "0.0046", "0.0046"),
            "um",
        ),
        ({"imagej": True, "resolution": (2.5, 2.5), "metadata": {"axes": "ZYX", "unit": "nm"}}, None, None),
        (
            {"imagej": True, "resolution": (1, 1), "metadata": {"axes": "ZYX", "spacing": 1.0, "unit": "pixel"}},
            None,
            None,
        ),
        (
            {
                "ome": True,
                "metadata": {
                    "axes": "ZYX",
                    **{f"PhysicalSize{axis}": size for axis, size in (("Z", 50), ("Y", 4.6), ("X", 4.6))},
                    **{f"PhysicalSize{axis}Unit": "nm" for axis in "XYZ"},
                },
            },
            ("50", "4.6", "4.6"),
            "nm",
        ),
        (
            {
                "ome": True,
                "metadata": {
                    "axes": "ZYX",
                    **{f"PhysicalSize{axis}": size for axis, size in (("Z", 0.05), ("Y", 4.6), ("X", 4.6))},
                    **{f"PhysicalSize{axis}Unit": unit for axis, unit in (("Z", "µm"), ("Y", "nm"), ("X", "nm"))},
                },
            },
            ("50", "4.6", "4.6"),
            "nm",
        ),
        (
            {
                "ome": True,
                "metadata": {"axes": "ZYX", "PhysicalSizeX": 8, "PhysicalSizeY": 8, "PhysicalSizeYUnit": "mm"},
            },
            None,
            None,
        ),
    ],
)
def test_the_header_tells_voxel_size_and_units(tmp_path, options, voxel_size, units):
    tifffile.imwrite(tmp_path / "a.tif", STACK, **options)
    geometry = open_source(tmp_path / "a.tif").metadata
    assert geometry.voxel_size == (voxel_size and tuple(map(Decimal, voxel_size)))
    assert geometry.units == units
    assert geometry.offset is None


def test_a_plain_image_in_pixels_per_centimeter(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", STACK[0], resolution=(10000, 10000), resolutionunit="CENTIMETER")
    assert open_source(tmp_path / "a.tif").metadata == Geometry(
        axes=("y", "x"), voxel_size=(Decimal("0.0001"), Decimal("0.0001")), units="cm", convention="TIFF"
    )


def test_a_compression_that_needs_another_package_names_it(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", STACK, compression="lzw")
    np.testing.assert_array_equal(open_source(tmp_path / "a.tif")[3], STACK[3])
    code = (
        "import sys; sys.modules['imagecodecs'] = None\n"
        "from dalsegno.sources import open_source\n"
        f"open_source({str(tmp_path / 'a.tif')!r})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "DataError" in done.stderr
    assert "dalsegno[tiff]" in done.stderr


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_memory_does_not_grow_with_the_stack(tmp_path, compression):
    page = np.zeros((1000, 1000), np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", np.broadcast_to(page, (60, 1000, 1000)), compression=compression)
    source = open_source(tmp_path / "a.tif")
    tracemalloc.start()
    source[30, :10, :10]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5 * page.nbytes


@pytest.mark.skipif(not (VNC / "raw.tif").exists(), reason=f"the vnc stack is not in {VNC}; set VNC_DATA")
def test_reads_a_published_stack():
    source = open_source(VNC / "raw.tif")
    assert (source.shape, source.dtype) == ((16, 1024, 1024), np.uint8)
    assert source.metadata == Geometry(axes=("z", "y", "x"), convention="TIFF")
    np.testing.assert_array_equal(source[7:9, 100:150, 900:], tifffile.imread(VNC / "raw.tif")[7:9, 100:150, 900:])


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_a_file_that_was_cut_off_is_named(tmp_path, compression):
    tifffile.imwrite(tmp_path / "whole.tif", STACK, compression=compression)
    (tmp_path / "cut.tif").write_bytes((tmp_path / "whole.tif").read_bytes()[:4000])
    with pytest.raises(DataError, match=r"cut.tif.*complete"):
        open_source(tmp_path / "cut.tif")[:]


@pytest.mark.parametrize("compression", ["zlib", "zstd", "lzw", "lzma", "jpeg", "packbits"])
def test_damaged_pages_are_named(tmp_path, compression):
    stack = (STACK >> 8).astype(np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", stack, compression=compression)
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        first, size = tiff.pages[3].dataoffsets[0], tiff.pages[3].databytecounts[0]
    damaged = bytearray((tmp_path / "a.tif").read_bytes())
    damaged[first : first + size] = np.random.default_rng(1).bytes(size)
    (tmp_path / "a.tif").write_bytes(damaged)
    with open_source(tmp_path / "a.tif") as source:
        np.testing.assert_array_equal(source[2], tifffile.imread(tmp_path / "a.tif", key=2))
        with pytest.raises(DataError, match=r"page 3 of .*a\.tif can't be read"):
            source[3]


@pytest.mark.parametrize("options", [{}, {"imagej": True}, {"ome": True, "compression": "zlib"}, {"tile": (16, 16)}])
def test_damaged_headers_are_data_errors(tmp_path, options):
    tifffile.imwrite(tmp_path / "a.tif", STACK, **options)
    whole, generator = (tmp_path / "a.tif").read_bytes(), np.random.default_rng(0)
    refused = 0
    for _ in range(60):
        damaged = bytearray(whole)
        damaged[generator.integers(4, 700)] = generator.integers(0, 256)
        (tmp_path / "b.tif").write_bytes(damaged)
        try:
            with open_source(tmp_path / "b.tif") as source:
                source[:1]
        except DataError:
            refused += 1
    assert refused > 0
