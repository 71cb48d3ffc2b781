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


def stack_of(folder, names):
    folder.mkdir()
    for number, name in enumerate(names):
        tifffile.imwrite(folder / name, STACK[number])
    return folder


@pytest.mark.parametrize(
    ("names", "missing"),
    [
        (["a000.tif", "a001.tif", "a003.tif"], "2"),
        (["w2_0.tif", "w2_10.tif", "w2_20.tif", "w2_40.tif", "w2_70.tif"], "30, 50, 60"),
        (["1.tif", "2.tif", "9.tif", "11.tif", "100.tif"], "3, 4, 5, 6, 7, 8, 10, 12, 13, 14 and 85 more"),
        (["1.tif", "2.tif", f"{10**15}.tif"], f"3, 4, 5, 6, 7, 8, 9, 10, 11, 12 and {10**15 - 13} more"),
    ],
)
def test_gaps_in_the_numbers_are_an_error_or_closed(tmp_path, names, missing):
    folder = stack_of(tmp_path / "a", names)
    with pytest.raises(DataError, match=rf"but {missing} are missing.*options: {{gaps: close}}"):
        open_source(folder)
    closed = open_source(folder, gaps="close")
    np.testing.assert_array_equal(closed[:], STACK[: len(names)])
    assert closed.to_spec().params["gaps"] == "close"
    with pytest.raises(ValueError, match="'error' and 'close'"):
        open_source(folder, gaps="fill")


@pytest.mark.parametrize(
    "names",
    [
        ["7.tif"],
        ["3.tif", "9.tif"],
        ["s08.tif", "s10.tif", "s12.tif"],
        ["z10_t1.tif", "z11_t5.tif", "z15_t6.tif"],
        ["z0.5.tif", "z1.0.tif", "z2.25.tif"],
        ["at103.tif", "at207.tif", "at318.tif"],
        ["a1.tif", "b2.tif", "b4.tif"],
        ["raw.tif", "z1.tif", "z2.tif", "z9.tif"],
    ],
)
def test_other_names_are_stacked_as_they_are(tmp_path, names):
    np.testing.assert_array_equal(open_source(stack_of(tmp_path / "a", names))[:], STACK[: len(names)])


def test_one_image(tmp_path):
    Image.fromarray(STACK[0]).save(tmp_path / "a.png")
    Image.fromarray(np.stack([STACK[0]] * 3, -1)).save(tmp_path / "color.PNG")
    tifffile.imwrite(tmp_path / "a.tif", STACK[1])
    source = open_source(tmp_path / "a.png")
    assert (source.format, source.shape, source.metadata) == ("folder", (9, 10), Geometry(axes=("y", "x")))
    np.testing.assert_array_equal(source[2:5, 3], STACK[0, 2:5, 3])
    source[:][:] = 0
    np.testing.assert_array_equal(source[:], STACK[0])
    assert open_source(tmp_path / "color.PNG").metadata == Geometry(axes=("y", "x", "c"))
    np.testing.assert_array_equal(open_source(tmp_path / "a.tif", format="folder")[:], STACK[1])
    with pytest.raises(KeyError, match="which is one image"):
        open_source(tmp_path / "a.png", "*.png")
    (tmp_path / "notes.txt").touch()
    with pytest.raises(ValueError, match=r"no folder and no image.*leave out format"):
        open_source(tmp_path / "notes.txt", format="folder")


def test_a_pattern_is_none_of_the_whole_disk(tmp_path):
    tifffile.imwrite(tmp_path / "0.tif", STACK[0])
    with pytest.raises(ValueError, match="is a pattern inside"):
        open_source(tmp_path, f"{tmp_path}/*.tif")
