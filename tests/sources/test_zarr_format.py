import json
from decimal import Decimal

import numpy as np
import pytest
import zarr

from dalsegno.errors import DataError
from dalsegno.sources import Geometry, as_source, from_spec, open_source

DATA = np.random.default_rng(0).integers(0, 1000, (20, 21, 22)).astype(np.uint16)


@pytest.mark.parametrize("options", [{"zarr_format": 2}, {}, {"shards": (20, 20, 20)}, {"compressors": None}])
@pytest.mark.parametrize("dtype", ["uint16", ">u2", "float32", "uint64", "bool"])
def test_reads_and_writes_every_layout(tmp_path, options, dtype):
    data = DATA.astype(dtype)
    zarr.create_array(tmp_path / "a.zarr", data=data, chunks=(10, 10, 10), **options)
    source = open_source(tmp_path / "a.zarr", mode="r+")
    assert (source.shape, source.chunks, source.shards) == (data.shape, (10, 10, 10), options.get("shards"))
    np.testing.assert_array_equal(source[3:15, 20, -5:], data[3:15, 20, -5:])
    assert source[0].dtype == source.dtype == data.dtype.newbyteorder("=")
    source[5:9, :, 0] = 1
    assert (source[5:9, :, 0] == 1).all()
    assert (zarr.open_array(tmp_path / "a.zarr", mode="r")[5:9, :, 0] == 1).all()


@pytest.mark.parametrize("fill_value", [0, 7, None])
def test_what_was_never_written_reads_as_zarr_reads_it(tmp_path, fill_value):
    zarr.create_array(
        tmp_path / "a.zarr", shape=(5,), chunks=(2,), dtype="int32", zarr_format=2, fill_value=fill_value or 0
    )
    metadata = json.loads((tmp_path / "a.zarr/.zarray").read_text())
    (tmp_path / "a.zarr/.zarray").write_text(json.dumps(metadata | {"fill_value": fill_value}))
    np.testing.assert_array_equal(open_source(tmp_path / "a.zarr")[:], zarr.open_array(tmp_path / "a.zarr")[:])


def test_sees_what_another_handle_writes(tmp_path):
    array = zarr.create_array(tmp_path / "a.zarr", shape=(8,), chunks=(4,), dtype="uint8")
    source = open_source(tmp_path / "a.zarr")
    assert source[0] == 0
    array[:] = 5
    assert source[0] == 5


def test_an_array_inside_a_group_is_found_by_name_or_by_path(tmp_path):
    group = zarr.create_group(tmp_path / "a.zarr")
    group.create_array("x/y", data=DATA)
    for source in (open_source(tmp_path / "a.zarr", "x/y"), open_source(tmp_path / "a.zarr/x/y")):
        assert source[1, 2, 3] == DATA[1, 2, 3]
    with pytest.raises(ValueError, match=r"internal_path.*: x$"):
        open_source(tmp_path / "a.zarr")
    with pytest.raises(KeyError, match="it holds x"):
        open_source(tmp_path / "a.zarr", "z")


def test_an_empty_folder_and_broken_metadata_are_data_errors(tmp_path):
    (tmp_path / "a.zarr").mkdir()
    with pytest.raises(FileNotFoundError, match="no zarr container"):
        open_source(tmp_path / "a.zarr", "x")
    zarr.create_array(tmp_path / "b.zarr", data=DATA)
    (tmp_path / "b.zarr/zarr.json").write_text("{")
    with pytest.raises(DataError, match="metadata"):
        open_source(tmp_path / "b.zarr")


@pytest.mark.parametrize("dtype", ["uint16", "complex64", "S4"])
@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.filterwarnings("ignore:.*Zarr V3 specification")
def test_a_damaged_chunk_is_a_data_error(tmp_path, zarr_format, dtype):
    zarr.create_array(tmp_path / "a.zarr", data=DATA.astype(dtype), chunks=(20, 21, 11), zarr_format=zarr_format)
    (chunk,) = tmp_path.glob("a.zarr/0.0.1" if zarr_format == 2 else "a.zarr/c/0/0/1")
    chunk.write_bytes(chunk.read_bytes()[:50])
    source = open_source(tmp_path / "a.zarr")
    np.testing.assert_array_equal(source[..., :11], DATA[..., :11].astype(dtype))
    with pytest.raises(DataError, match=r"a\.zarr can't be read.*complete"):
        source[..., 11:]


@pytest.mark.parametrize("text", ["[]", "{", '{"zarr_format": 3}', '{"zarr_format": 3, "node_type": "array"}'])
def test_metadata_that_describes_no_array_is_a_data_error(tmp_path, text):
    (tmp_path / "a.zarr").mkdir()
    (tmp_path / "a.zarr/zarr.json").write_text(text)
    with pytest.raises(DataError, match=r"metadata .*a\.zarr.*rewrite"):
        open_source(tmp_path / "a.zarr")


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_a_group_names_its_members(tmp_path, zarr_format):
    group = zarr.create_group(tmp_path / "a.zarr", zarr_format=zarr_format)
    group.create_array("volumes/raw", data=DATA)
    group.create_array("volumes/gt", data=DATA)
    for source in ((tmp_path / "a.zarr", "volumes"), (tmp_path / "a.zarr/volumes",)):
        with pytest.raises(ValueError, match=r"volumes holds several arrays; name one as internal_path.*: gt, raw$"):
            open_source(*source)


def test_live_arrays_keep_their_access_and_their_place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    zarr.create_group("a.zarr").create_array("x/y", data=DATA)
    for mode, writable in (("r", False), ("r+", True)):
        spec = as_source(zarr.open_array("a.zarr", path="x/y", mode=mode)).to_spec()
        assert (spec.path, spec.internal_path) == (str(tmp_path / "a.zarr"), "x/y")
        monkeypatch.chdir("/")
        again = from_spec(spec)
        assert again.writable is writable
        np.testing.assert_array_equal(again[:], DATA)
        monkeypatch.chdir(tmp_path)
    (tmp_path / "a.zarr/x/y").rename(tmp_path / "moved")
    with pytest.raises(FileNotFoundError, match="moved or deleted"):
        from_spec(spec)


def test_opening_for_writing_creates_nothing(tmp_path):
    zarr.create_group(tmp_path / "a.zarr")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(DataError):
        open_source(tmp_path / "a.zarr", "misspelt", mode="a")
    assert sorted(tmp_path.rglob("*")) == before


def test_attributes_tell_the_geometry(tmp_path):
    attributes = {"voxel_size": [8, 4], "offset": [0.5, 4.6], "units": "nanometer", "channels": ["a", "b"]}
    zarr.create_array(
        tmp_path / "a.zarr", shape=(2, 3, 4), dtype="uint8", attributes=attributes, dimension_names=["c", "y", "x"]
    )
    source = open_source(tmp_path / "a.zarr")
    assert source.metadata == Geometry(
        axes=("c", "y", "x"),
        voxel_size=(Decimal(8), Decimal(4)),
        offset=(Decimal("0.5"), Decimal("4.6")),
        units="nm",
        channels=("a", "b"),
        convention="funlib attributes",
    )
    assert source.attrs == attributes
