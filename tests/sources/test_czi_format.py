import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pylibCZIrw import czi

from dalsegno.errors import DataError
from dalsegno.sources import Geometry, open_source

RNG = np.random.default_rng(0)
IMAGE = RNG.integers(0, 60000, (2, 3, 4, 21, 34)).astype(np.uint16)  # c, t, z, y, x


def write(path, image=IMAGE, location=(0, 0), start=0, scene=None, compression=None, **metadata):
    """Write an image with axes (c, t, z, y, x[, colors])."""
    with czi.create_czi(str(path), exist_ok=True, compression_options=compression) as file:
        add(file, image, location, start, scene)
        file.write_metadata("a", **metadata)
    return path


def add(file, image, location=(0, 0), start=0, scene=None):
    options = {} if scene is None else {"scene": scene}
    for c, t, z in np.ndindex(image.shape[:3]):
        plane = image[c, t, z]
        page = plane[..., None] if plane.ndim == 2 else plane[..., ::-1]  # a file has blue first
        file.write(np.ascontiguousarray(page), location, {"C": c, "T": t, "Z": start + z}, **options)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    path = tmp_path_factory.mktemp("czi") / "a.czi"
    return open_source(write(path, location=(-5, -7), scale_x=0.108e-6, scale_y=0.108e-6, scale_z=2.5e-7))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_box_is_that_of_the_whole(source, data):
    bounds = [sorted(data.draw(st.tuples(st.integers(0, n), st.integers(0, n)))) for n in IMAGE.shape]
    box = tuple(slice(*pair) for pair in bounds)
    np.testing.assert_array_equal(source[box], IMAGE[box])


def test_reads_channels_times_and_planes(source):
    assert (source.format, source.shape, source.dtype) == ("czi", IMAGE.shape, np.uint16)
    assert not source.writable
    np.testing.assert_array_equal(source[:], IMAGE)
    np.testing.assert_array_equal(source[1, -1, 2, 3:9, 30], IMAGE[1, -1, 2, 3:9, 30])


@pytest.mark.parametrize(
    ("axes", "index"),
    [("czyx", np.s_[:, :1]), ("tyx", np.s_[:1, :, :1]), ("zyx", np.s_[1:, 2:]), ("yx", np.s_[:1, :1, :1])],
)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_axes_of_one_entry_are_left_out(tmp_path, axes, index, dtype):
    image = IMAGE[index].astype(dtype)
    source = open_source(write(tmp_path / "a.czi", image))
    assert (source.metadata.axes, source.dtype) == (tuple(axes), dtype)
    np.testing.assert_array_equal(source[...], image.squeeze())


def test_the_metadata_tell_pixel_size_and_channels(tmp_path, source):
    size = (Decimal("0.25"), Decimal("0.108"), Decimal("0.108"))
    assert source.metadata == Geometry(("c", "t", "z", "y", "x"), size, units="um", convention="CZI metadata")
    flat = write(tmp_path / "a.czi", IMAGE[:, :1, :1], scale_x=6.5e-6 / 20, scale_y=1e-9, channel_names={1: "DAPI"})
    geometry = open_source(flat).metadata
    assert geometry.voxel_size == (Decimal("0.001"), Decimal("0.325"))
    assert geometry.channels == ("Channel:0", "DAPI")
    nothing = open_source(write(tmp_path / "b.czi", IMAGE[:1], scale_x=1e-6, scale_y=1e-6)).metadata
    assert (nothing.voxel_size, nothing.units, nothing.channels) == (None, None, None)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_colors_are_red_green_and_blue_at_the_end(tmp_path, dtype):
    image = RNG.integers(0, 255, (1, 1, 2, 9, 11, 3)).astype(dtype)
    source = open_source(write(tmp_path / "a.czi", image))
    assert (source.metadata.axes, source.metadata.channels) == (("z", "y", "x", "c"), ("red", "green", "blue"))
    np.testing.assert_array_equal(source[:], image[0, 0])
    np.testing.assert_array_equal(source[1, 2:5, :, 2], image[0, 0, 1, 2:5, :, 2])
    image = RNG.integers(0, 255, (2, 1, 1, 9, 11, 3)).astype(dtype)
    several = open_source(write(tmp_path / "b.czi", image))
    assert several.metadata.axes == ("c", "y", "x", "s")
    np.testing.assert_array_equal(several[:, 1:, :4, 1:], image[:, 0, 0, 1:, :4, 1:])


def test_channels_of_different_types_become_the_type_that_holds_both(tmp_path):
    with czi.create_czi(str(tmp_path / "a.czi")) as file:
        file.write(np.full((5, 6, 1), 200, np.uint8), plane={"C": 0})
        file.write(np.full((5, 6, 1), 50000, np.uint16), plane={"C": 1})
        file.write_metadata("a")
    source = open_source(tmp_path / "a.czi")
    assert (source.dtype, source[0].max(), source[1].min()) == (np.uint16, 200, 50000)
    with czi.create_czi(str(tmp_path / "b.czi")) as file:
        file.write(np.zeros((5, 6, 1), np.uint8), plane={"C": 0})
        file.write(np.zeros((5, 6, 3), np.uint8), plane={"C": 1})
        file.write_metadata("b")
    with pytest.raises(DataError, match=r"'Bgr24', 'Gray8'.*one by one"):
        open_source(tmp_path / "b.czi")


def test_a_scene_is_the_internal_path(tmp_path):
    first, second = IMAGE[:1, :1, :, :10, :12], IMAGE[:1, :1, :3, :8, :20]
    with czi.create_czi(str(tmp_path / "a.czi")) as file:
        add(file, first, (0, 0), scene=0)
        add(file, second, (-30, 40), scene=3)
        file.write_metadata("a")
    with pytest.raises(ValueError, match=r"0: \(4, 10, 12\), 3: \(3, 8, 20\)"):
        open_source(tmp_path / "a.czi")
    with pytest.raises(KeyError, match="no scene '1'"):
        open_source(tmp_path / "a.czi", "1")
    np.testing.assert_array_equal(open_source(tmp_path / "a.czi", "0")[:], first[0, 0])
    np.testing.assert_array_equal(open_source(tmp_path / "a.czi", "3")[:], second[0, 0])
    lone = open_source(write(tmp_path / "b.czi", first, scene=2))
    np.testing.assert_array_equal(lone[:], first[0, 0])


def test_tiles_are_put_together(tmp_path):
    mosaic = np.zeros((30, 50), np.uint8)
    with czi.create_czi(str(tmp_path / "a.czi")) as file:
        for x, y in ((0, 0), (20, 0), (30, 20)):
            tile = RNG.integers(1, 255, (10, 20)).astype(np.uint8)
            mosaic[y : y + 10, x : x + 20] = tile
            file.write(tile[..., None], location=(x - 100, y - 50))
        file.write_metadata("a")
    source = open_source(tmp_path / "a.czi")
    np.testing.assert_array_equal(source[:], mosaic)
    np.testing.assert_array_equal(source[5:25, 15:45], mosaic[5:25, 15:45])


def test_planes_that_begin_later_and_compression(tmp_path):
    image = IMAGE[:1, :1]
    for compression in ("zstd0:ExplicitLevel=2", "zstd1:ExplicitLevel=1;PreProcess=HiLoByteUnpack"):
        source = open_source(write(tmp_path / "a.czi", image, start=3, compression=compression))
        np.testing.assert_array_equal(source[:], image[0, 0])


def test_threads_share_a_file(source):
    with ThreadPoolExecutor(8) as threads:
        blocks = list(threads.map(lambda n: source[n % 2, n % 3, :, n % 20], range(48)))
    for n, block in enumerate(blocks):
        np.testing.assert_array_equal(block, IMAGE[n % 2, n % 3, :, n % 20])


def test_a_spec_reopens_in_a_fresh_process(tmp_path, monkeypatch):
    write(tmp_path / "a.czi")
    monkeypatch.chdir(tmp_path)
    source = open_source("a.czi", "0")
    spec = source.to_spec()
    assert spec.path == str(tmp_path / "a.czi")
    code = (
        "import json, sys; from dalsegno.sources import from_spec, SourceSpec; "
        "s = from_spec(SourceSpec(**json.loads(sys.argv[1]))); print(s[1, 2, 3, 4].tolist(), s.writable)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps(spec.to_dict())], capture_output=True, text=True, cwd="/", check=False
    )
    assert done.stdout.strip() == f"{IMAGE[1, 2, 3, 4].tolist()} False", done.stderr


@pytest.mark.parametrize("part", [0, 3, 2])
def test_damage_is_a_data_error(tmp_path, part):
    path = write(tmp_path / "a.czi")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // part] if part else b"no image")
    with pytest.raises(DataError, match="complete"):
        open_source(path)


def test_a_closed_file_says_so(tmp_path):
    source = open_source(write(tmp_path / "a.czi"))
    source.close()
    source.close()
    with pytest.raises(DataError, match=r"a\.czi"):
        source[:]


def test_a_missing_library_is_named_by_its_extra(tmp_path):
    write(tmp_path / "a.czi")
    code = """
import sys
sys.modules["pylibCZIrw"] = None
from dalsegno.sources import open_source
try:
    open_source(sys.argv[1])
except Exception as error:
    print(type(error).__name__, error)
"""
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "a.czi"], capture_output=True, text=True, check=False)
    assert done.stdout.startswith("DataError"), done.stderr
    assert "pip install 'dalsegno[czi]'" in done.stdout
