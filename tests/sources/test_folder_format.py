import numpy as np
import pytest
import tifffile
from PIL import Image

from dalsegno.errors import DataError
from dalsegno.sources import Geometry, open_source

STACK = np.random.default_rng(0).integers(0, 255, (12, 9, 10)).astype(np.uint8)


@pytest.mark.parametrize("suffix", [".tif", ".tiff", ".png", ".TIF"])
def test_sections_stack_in_natural_order(tmp_path, suffix):
    for number, section in enumerate(STACK):
        path = tmp_path / f"s{number}{suffix}"
        Image.fromarray(section).save(path) if suffix == ".png" else tifffile.imwrite(path, section)
    (tmp_path / "notes.txt").touch()
    source = open_source(tmp_path)
    assert (source.shape, source.chunks, source.format) == (STACK.shape, (1, 9, 10), "folder")
    assert source.metadata == Geometry(axes=("z", "y", "x"))
    np.testing.assert_array_equal(source[:], STACK)
    np.testing.assert_array_equal(source[9:11, 3, 2:5], STACK[9:11, 3, 2:5])


def test_png_of_every_depth(tmp_path):
    images = {
        "deep": (STACK[0].astype(np.uint16) * 200, None),
        "color": (np.stack([STACK[0]] * 3, -1), None),
        "palette": (STACK[0] % 4, "P"),
    }
    for name, (image, mode) in images.items():
        (tmp_path / name).mkdir()
        picture = Image.fromarray(image)
        if mode == "P":
            picture = Image.frombytes("P", (10, 9), image.tobytes())
            picture.putpalette(list(range(12)))
        picture.save(tmp_path / name / "0.png")
        np.testing.assert_array_equal(open_source(tmp_path / name)[0], image)
    assert open_source(tmp_path / "color").metadata.axes == ("z", "y", "x", "c")


def test_a_pattern_chooses_among_kinds(tmp_path):
    tifffile.imwrite(tmp_path / "0.tif", STACK[0])
    Image.fromarray(STACK[1]).save(tmp_path / "0.png")
    with pytest.raises(ValueError, match="several kinds"):
        open_source(tmp_path)
    np.testing.assert_array_equal(open_source(tmp_path, "*.png")[0], STACK[1])
    with pytest.raises(KeyError, match=r"no \*.tiff"):
        open_source(tmp_path, "*.tiff")


def test_sections_that_differ_or_are_damaged_are_named(tmp_path):
    tifffile.imwrite(tmp_path / "0.tif", STACK[0])
    tifffile.imwrite(tmp_path / "1.tif", STACK[1, :5])
    (tmp_path / "2.tif").write_bytes(b"II*\0")
    source = open_source(tmp_path)
    with pytest.raises(DataError, match=r"1\.tif is uint8 of shape \(5, 10\)"):
        source[1]
    with pytest.raises(DataError, match=r"2\.tif can't be read"):
        source[2]


def test_empty_and_stacked_sections_are_refused(tmp_path):
    with pytest.raises(KeyError, match="no images"):
        open_source(tmp_path, format="folder")
    tifffile.imwrite(tmp_path / "0.tif", STACK)
    with pytest.raises(DataError, match="a section is one image"):
        open_source(tmp_path)
