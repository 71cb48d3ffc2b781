import json
import pickle
import subprocess
import sys
from dataclasses import asdict

import numpy as np
import pytest
import zarr

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


def test_as_source_refuses_paths():
    with pytest.raises(TypeError, match="strings / file paths"):
        as_source("a.zarr")


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
