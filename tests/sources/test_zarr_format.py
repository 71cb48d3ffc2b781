import json
from decimal import Decimal

import numpy as np
import pytest
import zarr

from dalsegno.errors import DataError
from dalsegno.sources import Geometry, open_source

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
