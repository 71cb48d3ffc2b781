import json
import subprocess
import sys
from dataclasses import asdict
from decimal import Decimal

import mrcfile
import numpy as np
import pytest

from dalsegno.errors import DataError
from dalsegno.sources import Geometry, from_spec, open_source

VOLUME = np.random.default_rng(0).integers(-100, 100, (5, 6, 7)).astype(np.int16)
IMOD_STAMP = slice(152, 156)
IMOD_FLAGS = slice(156, 160)


def save(path, data=VOLUME, voxel_size=(1.0, 1.0, 1.0), compression=None, **fields):
    with mrcfile.new(path, data, compression) as mrc:
        mrc.voxel_size = voxel_size
        for name, value in fields.items():
            mrc.header[name] = value
    return path


def patch(path, place, content):
    stored = bytearray(path.read_bytes())
    stored[place] = content
    path.write_bytes(stored)
    return path


def run_python(code, *arguments):
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, cwd="/", check=False
    )


@pytest.mark.parametrize("dtype", ["int8", "int16", "uint16", "float16", "float32", "complex64", ">i2", ">f4"])
@pytest.mark.parametrize("suffix", [".mrc", ".rec", ".map", ".MRC"])
def test_rows_are_read_from_top_to_bottom(tmp_path, dtype, suffix):
    data = VOLUME.astype(dtype)
    source = open_source(save(tmp_path / f"a{suffix}", data))
    wanted = data[:, ::-1]
    assert (source.shape, source.internal_path, source.writable) == (VOLUME.shape, "data", False)
    assert source.dtype == source[0].dtype == np.dtype(dtype).newbyteorder("=")
    for box in (np.s_[:], np.s_[2], np.s_[1:4, 2:5, 6:], np.s_[4, 5, 6], np.s_[:, 0]):
        np.testing.assert_array_equal(source[box], wanted[box])


@pytest.mark.parametrize("flip_y", [True, False])
def test_rows_are_the_last_axis_but_one_for_any_number_of_axes(tmp_path, flip_y):
    image, volumes = VOLUME[0], np.stack([VOLUME, VOLUME + 1])
    for data in (image, volumes):
        path = save(tmp_path / f"{data.ndim}.mrc", data)
        source = open_source(path, flip_y=flip_y)
        np.testing.assert_array_equal(source[:], data[..., ::-1, :] if flip_y else data)
        np.testing.assert_array_equal(from_spec(source.to_spec())[1:, 2:], source[1:, 2:])
    assert open_source(tmp_path / "2.mrc").metadata.axes == ("y", "x")
    assert open_source(tmp_path / "4.mrc").metadata.axes is None
    assert open_source(tmp_path / "4.mrc").metadata.voxel_size == (1, 1, 1)


@pytest.mark.parametrize(("suffix", "compression"), [(".mrc.gz", "gzip"), (".map.bz2", "bzip2")])
def test_packed_files_are_unpacked(tmp_path, suffix, compression):
    source = open_source(save(tmp_path / f"a{suffix}", compression=compression))
    np.testing.assert_array_equal(source[1:3, 2], VOLUME[1:3, -3])
    cut = tmp_path / f"cut{suffix}"
    cut.write_bytes((tmp_path / f"a{suffix}").read_bytes()[:-60])
    with pytest.raises(DataError, match="complete"):
        open_source(cut)[0]


@pytest.mark.parametrize(("signed", "dtype"), [(None, np.int8), (1, np.int8), (0, np.uint8)])
def test_imod_says_whether_bytes_are_signed(tmp_path, signed, dtype):
    path = save(tmp_path / "a.rec", VOLUME.astype(np.int8))
    if signed is not None:
        patch(patch(path, IMOD_STAMP, b"IMOD"), IMOD_FLAGS, bytes([signed, 0, 0, 0]))
    source = open_source(path)
    assert source.dtype == dtype
    np.testing.assert_array_equal(source[:], VOLUME[:, ::-1].astype(np.int8).view(dtype))


@pytest.mark.parametrize(
    ("sizes", "voxel_size"),
    [((0.1, 4.6, 2.667), ("2.667", "4.6", "0.1")), ((12, 12, 50), ("50", "12", "12")), ((0, 1, 1), None)],
)
def test_the_header_tells_the_voxel_size_in_angstrom(tmp_path, sizes, voxel_size):
    assert open_source(save(tmp_path / "a.mrc", voxel_size=sizes)).metadata == Geometry(
        axes=("z", "y", "x"),
        voxel_size=voxel_size and tuple(map(Decimal, voxel_size)),
        units=voxel_size and "angstrom",
        convention="MRC header",
    )


@pytest.mark.parametrize(
    ("fields", "flip_y", "offset"),
    [
        ({}, True, None),
        ({"origin": (10.1, 20, 30)}, False, ("30", "20", "10.1")),
        ({"origin": (10.1, 20, 30)}, True, ("30", "-32", "10.1")),
        ({"nxstart": 1, "nystart": 2, "nzstart": 3}, False, ("9", "4", "1")),
        ({"nxstart": 1, "nystart": -6, "nzstart": 0}, True, ("0", "0", "1")),
        ({"nxstart": 1, "origin": (0, 0, 5)}, False, ("5", "0", "0")),
    ],
)
def test_the_header_tells_the_offset(tmp_path, fields, flip_y, offset):
    path = save(tmp_path / "a.mrc", voxel_size=(1, 2, 3), **fields)
    assert open_source(path, flip_y=flip_y).metadata.offset == (offset and tuple(map(Decimal, offset)))


@pytest.mark.parametrize(("flags", "offset"), [(0, (-30, -20, -10)), (4, (30, 20, 10))])
def test_the_origin_of_imod_has_its_own_sign(tmp_path, flags, offset):
    path = save(tmp_path / "a.rec", origin=(10, 20, 30))
    patch(patch(path, IMOD_STAMP, b"IMOD"), IMOD_FLAGS, bytes([flags, 0, 0, 0]))
    assert open_source(path, flip_y=False).metadata.offset == offset


def test_axes_may_be_stored_in_another_order(tmp_path):
    path = save(tmp_path / "a.map", voxel_size=(1, 2, 3), mapc=3, maps=1)
    assert open_source(path).metadata.axes == ("x", "y", "z")
    assert open_source(path).metadata.voxel_size == (1, 2, 3)


@pytest.mark.parametrize("stamp", [b"\x44\x00\x00\x00", b"\0\0\0\0"])
def test_a_wrong_machine_stamp_is_no_hindrance(tmp_path, stamp):
    for dtype in ("<i2", ">i2"):
        path = patch(save(tmp_path / f"{dtype[0]}.mrc", VOLUME.astype(dtype)), slice(212, 216), stamp)
        np.testing.assert_array_equal(open_source(path)[:], VOLUME[:, ::-1])


def test_damage_is_a_data_error(tmp_path):
    path = save(tmp_path / "a.mrc")
    whole = path.read_bytes()
    for name, content in {
        "cut": whole[:-1],
        "header": whole[:1000],
        "empty": b"",
        "text": b"no image at all" * 200,
        "size": b"\xff" * 4 + whole[4:],
        "mode": whole[:12] + b"\x63" + whole[13:],
    }.items():
        (tmp_path / f"{name}.mrc").write_bytes(content)
        with pytest.raises(DataError, match=rf"{name}\.mrc"):
            open_source(tmp_path / f"{name}.mrc")


def test_it_holds_one_array(tmp_path):
    path = save(tmp_path / "a.mrc")
    assert open_source(path, "data")[0, 0, 0] == VOLUME[0, -1, 0]
    with pytest.raises(KeyError, match="no array 'raw'"):
        open_source(path, "raw")
    with pytest.raises(TypeError, match="read-only"):
        open_source(path, mode="r+")[0] = 1


def test_a_spec_reopens_in_a_fresh_process(tmp_path, monkeypatch):
    save(tmp_path / "a.mrc")
    monkeypatch.chdir(tmp_path)
    source = open_source("a.mrc", flip_y=False)
    code = (
        "import json, sys; from dalsegno.sources import from_spec, SourceSpec; "
        "s = from_spec(SourceSpec(**json.loads(sys.argv[1]))); print(int(s[:].sum()), s[2, 3, 4], s.writable)"
    )
    done = run_python(code, json.dumps(asdict(source.to_spec())))
    assert done.stdout.split() == [str(VOLUME.sum(dtype=int)), str(VOLUME[2, 3, 4]), "False"], done.stderr


def test_a_missing_library_is_named(tmp_path):
    save(tmp_path / "a.mrc")
    code = "import sys; sys.modules['mrcfile'] = None; import dalsegno.sources as s; s.open_source(sys.argv[1])"
    assert "pip install 'dalsegno[mrc]'" in run_python(code, tmp_path / "a.mrc").stderr
