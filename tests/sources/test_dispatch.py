import json
import pickle
import subprocess
import sys
from dataclasses import asdict

import dask.array
import numpy as np
import pytest
import tensorstore
import torch
import zarr

from dalsegno.errors import DataError
from dalsegno.sources import (
    ArraySource,
    Source,
    SourceSpec,
    as_source,
    from_spec,
    open_source,
    register_source,
    register_spec_kind,
)


def run_python(code, *arguments, folder="/"):
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, cwd=folder, check=False
    )


def test_importing_the_room_loads_no_format_library():
    heavy = "{'zarr', 'tifffile', 'nibabel', 'tensorstore', 'PIL', 'scipy', 'torch'}"
    done = run_python(f"import sys, dalsegno.sources; print({heavy} & set(sys.modules))")
    assert done.stdout.strip() == "set()", done.stderr


def test_a_spec_reopens_in_a_fresh_process(tmp_path, monkeypatch):
    array = zarr.create_array(tmp_path / "a.zarr", shape=(4, 5), chunks=(2, 5), dtype="uint16")
    array[:] = np.arange(20).reshape(4, 5)
    monkeypatch.chdir(tmp_path)
    opened = (open_source("a.zarr"), as_source(array), as_source(zarr.open_array("a.zarr", mode="r")))
    for source in opened:
        code = (
            "import json, sys; from dalsegno.sources import from_spec, SourceSpec; "
            "s = from_spec(SourceSpec(**json.loads(sys.argv[1]))); print(s[3, 4], s.writable)"
        )
        done = run_python(code, json.dumps(asdict(source.to_spec())))
        assert done.stdout.split() == ["19", str(source.writable)], done.stderr
        assert pickle.loads(pickle.dumps(source.to_spec())) == source.to_spec()


def test_arrays_in_memory_have_no_spec():
    with pytest.raises(ValueError, match="numpy"):
        as_source(np.zeros(3)).to_spec()
    in_memory = zarr.create_array(zarr.storage.MemoryStore(), shape=(3,), dtype="uint8")
    with pytest.raises(ValueError, match="open_source"):
        as_source(in_memory).to_spec()


def test_as_source_keeps_sources_and_wraps_arrays():
    array = np.zeros((2, 3), "uint8")
    source = as_source(array)
    assert isinstance(source, ArraySource)
    assert as_source(source) is source
    assert source.array is array
    assert (source.shape, source.dtype, source.chunks, source.shards, source.ndim) == ((2, 3), np.uint8, None, None, 2)
    array.flags.writeable = False
    assert not source.writable


@pytest.mark.parametrize("thing", [None, [1, 2], 3])
def test_as_source_refuses_what_is_no_array(thing):
    with pytest.raises(TypeError, match="shape and dtype"):
        as_source(thing)


@pytest.mark.parametrize("origin", [0, 2])
def test_the_first_voxel_of_a_tensorstore_array_has_the_index_0(origin):
    voxels = np.arange(36, dtype=np.uint16).reshape(9, 4)
    array = tensorstore.array(voxels.copy()).translate_by[origin, -1]
    source = as_source(array)
    assert (source.array, source.shape, source.dtype, source.chunks) == (array, (9, 4), np.uint16, None)
    np.testing.assert_array_equal(source[2:4], voxels[2:4])
    assert source[-1, 3] == 35
    source[8, 1:3] = 7
    np.testing.assert_array_equal(source[8], [32, 7, 7, 35])
    with pytest.raises(ValueError, match="TensorStore can't be reopened elsewhere"):
        source.to_spec()
    assert as_source(tensorstore.array(np.int32(3)))[()] == 3


@pytest.mark.parametrize("mode", ["r", "r+"])
def test_a_tensorstore_array_knows_its_chunks_and_its_access(tmp_path, mode):
    zarr.create_array(tmp_path / "a.zarr", data=np.arange(80).reshape(8, 10), chunks=(2, 5), shards=(4, 10))
    spec = {"driver": "zarr3", "kvstore": {"driver": "file", "path": str(tmp_path / "a.zarr")}}
    source = as_source(tensorstore.open(spec, read=True, write=mode == "r+").result())
    assert (source.chunks, source.shards, source.writable) == ((2, 5), (4, 10), mode == "r+")
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(source))[3:5], np.arange(30, 50).reshape(2, 10))


def test_arrays_of_types_that_numpy_lacks_are_refused():
    with pytest.raises(TypeError, match=r"torch\.Tensor has the dtype torch\.float32.*give numpy\.asarray"):
        as_source(torch.zeros(3))


@pytest.mark.parametrize(
    ("sizes", "chunks"), [(((2, 2, 1), (4,)), (2, 4)), (((2, 1, 2), (4,)), None), (((1, 4), (4,)), None)]
)
def test_dask_arrays_have_the_chunks_that_are_alike(sizes, chunks):
    voxels = np.arange(20).reshape(5, 4)
    source = as_source(dask.array.from_array(voxels, chunks=sizes))
    assert source.chunks == chunks
    np.testing.assert_array_equal(source[1:4], voxels[1:4])


def test_as_source_refuses_paths():
    with pytest.raises(TypeError, match="strings / file paths"):
        as_source("a.zarr")


def test_a_spec_may_be_the_dict_that_it_was_written_as(tmp_path):
    zarr.create_array(tmp_path / "a.zarr", data=np.arange(6))
    spec = json.loads(json.dumps(open_source(tmp_path / "a.zarr").to_spec().to_dict()))
    np.testing.assert_array_equal(from_spec(spec)[:], np.arange(6))
    with pytest.raises(ValueError, match="keys of one"):
        from_spec({**spec, "paths": "a"})


@pytest.mark.parametrize("kind", ["file", "zarr", "z5py"])
def test_a_spec_without_a_path_is_refused(kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    zarr.create_array(tmp_path / ".", data=np.arange(6))
    for path in (None, ""):
        with pytest.raises(ValueError, match="path") as error:
            from_spec(SourceSpec(kind, path))
        assert isinstance(error.value, DataError)


def test_converters_and_kinds_can_be_registered():
    class Constant(Source):
        shape = (2,)
        dtype = np.dtype("uint8")

        def _getitem(self, roi):
            return np.full(2, 7, np.uint8)[roi]

        def _setitem(self, roi, value):
            raise NotImplementedError

        def to_spec(self):
            return SourceSpec("constant of the test")

    class Seven:
        pass

    register_source(lambda thing: isinstance(thing, Seven), lambda thing: Constant())
    register_spec_kind("constant of the test", lambda spec: Constant())
    source = as_source(Seven())
    assert source[0] == 7
    assert from_spec(source.to_spec())[1] == 7
    with pytest.raises(ValueError, match="registered already"):
        register_spec_kind("file", lambda spec: Constant())
    with pytest.raises(ValueError, match="no such kind"):
        from_spec(SourceSpec("no such kind"))
