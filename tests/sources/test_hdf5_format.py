import json
import multiprocessing
import subprocess
import sys
from dataclasses import asdict
from decimal import Decimal

import fsspec
import h5py
import numpy as np
import pytest

from dalsegno.errors import DataError
from dalsegno.sources import Geometry, as_source, from_spec, open_source

VOLUME = np.random.default_rng(0).integers(0, 60000, (5, 6, 7)).astype(np.uint16)


def save(path, name="raw", data=VOLUME, attributes=(), **options):
    with h5py.File(path, "a") as file:
        dataset = file.create_dataset(name, data=data, **options)
        dataset.attrs.update(attributes)
    return path


def run_python(code, *arguments):
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, cwd="/", check=False
    )


@pytest.mark.parametrize(
    "options", [{}, {"chunks": (2, 3, 4)}, {"chunks": (2, 3, 4), "compression": "gzip", "shuffle": True}]
)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", ">i4", "float32", ">f8", "bool", "complex64"])
@pytest.mark.parametrize("suffix", [".h5", ".hdf", ".hdf5"])
def test_reads_and_writes_every_layout(tmp_path, options, dtype, suffix):
    data = VOLUME.astype(dtype)
    path = save(tmp_path / f"a{suffix}", data=data, **options)
    with open_source(path, "raw", mode="r+") as source:
        assert (source.shape, source.chunks) == (data.shape, options.get("chunks"))
        assert source.dtype == source[0].dtype == data.dtype.newbyteorder("=")
        for box in (np.s_[:], np.s_[2], np.s_[1:4, 2:5, 6:], np.s_[4, 5, 6], np.s_[:, 0]):
            np.testing.assert_array_equal(source[box], data[box])
        source[1:3, :, 2] = 1
        source[4] = np.arange(7)
    data[1:3, :, 2] = 1
    data[4] = np.arange(7)
    with h5py.File(path) as file:
        np.testing.assert_array_equal(file["raw"][:], data)


def test_the_only_dataset_needs_no_name(tmp_path):
    path = save(tmp_path / "a.h5", "volumes/raw")
    save(path, "about", "numbers only count as voxels")
    assert open_source(path)[1, 2, 3] == VOLUME[1, 2, 3]
    assert from_spec(open_source(path).to_spec())[1, 2, 3] == VOLUME[1, 2, 3]


def test_what_is_no_dataset_of_numbers_is_refused_with_the_names(tmp_path):
    path = save(save(tmp_path / "a.h5", "volumes/raw"), "volumes/gt", VOLUME[0])
    save(path, "about", "a text")
    held = r"volumes/gt \(6, 7\), volumes/raw \(5, 6, 7\)"
    with pytest.raises(ValueError, match=f"{held}.*internal_path"):
        open_source(path)
    with pytest.raises(ValueError, match=f"'volumes'.*group.*{held}.*internal_path"):
        open_source(path, "volumes")
    with pytest.raises(KeyError, match=f"no dataset 'volumes/row'.*{held}"):
        open_source(path, "volumes/row")
    with pytest.raises(DataError, match="holds object"):
        open_source(path, "about")
    with h5py.File(tmp_path / "empty.h5", "w"), pytest.raises(ValueError, match="no datasets"):
        open_source(tmp_path / "empty.h5")


def test_many_datasets_are_not_all_listed(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for number in range(50):
            file[f"{number:02}"] = [1]
    with pytest.raises(ValueError, match=r"18 \(1,\), 19 \(1,\) and more;"):
        open_source(tmp_path / "a.h5")


@pytest.mark.parametrize(
    ("attributes", "geometry"),
    [
        ({}, Geometry()),
        (
            {"element_size_um": np.array([0.05, 0.1, 0.1], "float32")},
            Geometry(
                voxel_size=(Decimal("0.05"), Decimal("0.1"), Decimal("0.1")), units="um", convention="element_size_um"
            ),
        ),
        (
            {"resolution": [40, 4.6, 4], "offset": [400, 0, 8], "axes": ["z", "y", "x"], "units": "nm"},
            Geometry(
                axes=("z", "y", "x"),
                voxel_size=(Decimal(40), Decimal("4.6"), Decimal(4)),
                offset=(Decimal(400), Decimal(0), Decimal(8)),
                units="nm",
                convention="funlib attributes",
            ),
        ),
    ],
)
def test_attributes_tell_the_geometry(tmp_path, attributes, geometry):
    assert open_source(save(tmp_path / "a.h5", attributes=attributes)).metadata == geometry


def test_labels_and_scales_name_the_axes(tmp_path):
    path = save(tmp_path / "a.h5")
    with h5py.File(path, "r+") as file:
        raw = file["raw"]
        raw.dims[0].label, raw.dims[1].label = "z", "y"
        assert open_source(path, "raw", mode="r+").metadata.axes is None
        file["x"] = np.arange(7)
        file["x"].make_scale("x")
        raw.dims[2].attach_scale(file["x"])
    assert open_source(path, "raw").metadata.axes == ("z", "y", "x")


def test_attributes_are_plain_values(tmp_path):
    path = save(tmp_path / "a.h5", attributes={"r": np.float32(0.1), "n": np.arange(3), "s": b"text", "l": ["a", "b"]})
    with h5py.File(path, "r+") as file:
        file["raw"].attrs["link"] = file.ref
        file["raw"].attrs["none"] = h5py.Empty("f4")
    assert open_source(path).attrs == {"r": 0.1, "n": [0, 1, 2], "s": "text", "l": ["a", "b"]}
    json.dumps(open_source(path).attrs)


def test_a_file_that_is_only_read_stays_as_it_is(tmp_path):
    path = save(tmp_path / "a.h5")
    before = path.read_bytes()
    with open_source(path) as source, pytest.raises(TypeError, match=r"read-only.*r\+"):
        source[0] = 1
    reopened = from_spec(source.to_spec())
    assert not reopened.writable
    assert path.read_bytes() == before


def test_closing_lets_others_write(tmp_path):
    path = save(tmp_path / "a.h5")
    source = open_source(path)
    with pytest.raises(DataError, match="open for reading in this process"):
        open_source(path, mode="r+")
    source.close()
    with open_source(path, mode="r+") as writable:
        writable[0] = 3
    with pytest.raises(DataError, match="closed"):
        source[0]
    assert open_source(path)[0, 0, 0] == 3


def test_a_file_that_another_process_writes_is_named(tmp_path):
    path = save(tmp_path / "a.h5")
    code = "import dalsegno.sources as s, sys; s.open_source(sys.argv[1])"
    with h5py.File(path, "r+"):
        assert "is open in another process" in run_python(code, path).stderr


def test_damage_is_a_data_error(tmp_path):
    whole = save(tmp_path / "a.h5").read_bytes()
    for name, content in {"cut": whole[: len(whole) // 2], "empty": b"", "text": b"no file" * 500}.items():
        (tmp_path / f"{name}.h5").write_bytes(content)
        with pytest.raises(DataError, match=rf"{name}\.h5 can't be read"):
            open_source(tmp_path / f"{name}.h5")


def test_a_damaged_chunk_is_a_data_error(tmp_path):
    path = save(tmp_path / "a.h5", chunks=(5, 6, 7), compression="gzip")
    with h5py.File(path) as file:
        chunk = file["raw"].id.get_chunk_info(0)
    stored = bytearray(path.read_bytes())
    stored[chunk.byte_offset : chunk.byte_offset + 40] = bytes(40)
    path.write_bytes(stored)
    with pytest.raises(DataError, match=r"a\.h5 /raw can't be read"):
        open_source(path)[0]


def read_both(source):
    return source[:].sum() == VOLUME.sum(dtype=np.uint64) and not source.writable


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_other_processes_open_the_file_themselves(tmp_path, method):
    source = open_source(save(tmp_path / "a.h5", chunks=(1, 6, 7), compression="gzip"))
    assert source[0, 0, 0] == VOLUME[0, 0, 0]
    with multiprocessing.get_context(method).Pool(2) as pool:
        assert pool.map(read_both, [source] * 4) == [True] * 4
    assert read_both(source)


def test_a_live_dataset_reopens_as_its_file(tmp_path, monkeypatch):
    save(tmp_path / "a.h5", "volumes/raw", chunks=(1, 6, 7), attributes={"element_size_um": [1, 2, 3]})
    monkeypatch.chdir(tmp_path)
    for mode, writable in (("r", False), ("r+", True)):
        with h5py.File("a.h5", mode) as file:
            source = as_source(file["volumes/raw"])
            np.testing.assert_array_equal(source[1:3], VOLUME[1:3])
            assert (source.chunks, source.metadata.units, source.writable) == ((1, 6, 7), "um", writable)
            if writable:
                source[0] = 7
            source.close()
            assert file["volumes/raw"][1, 2, 3] == VOLUME[1, 2, 3]
        spec = source.to_spec()
        assert (spec.path, spec.internal_path) == (str(tmp_path / "a.h5"), "volumes/raw")
        assert from_spec(spec).writable == writable
    assert open_source("a.h5")[0, 3, 3] == 7


def test_a_live_dataset_in_memory_has_no_spec():
    with h5py.File("nowhere.h5", "w", driver="core", backing_store=False) as file:
        source = as_source(file.create_dataset("raw", data=VOLUME))
        assert source[1, 2, 3] == VOLUME[1, 2, 3]
        with pytest.raises(ValueError, match="can't be reopened elsewhere"):
            source.to_spec()


def test_a_spec_reopens_in_a_fresh_process(tmp_path, monkeypatch):
    save(tmp_path / "a.h5", "volumes/raw")
    monkeypatch.chdir(tmp_path)
    code = (
        "import json, sys; from dalsegno.sources import from_spec, SourceSpec; "
        "s = from_spec(SourceSpec(**json.loads(sys.argv[1]))); print(int(s[:].sum()), s.writable)"
    )
    for mode in ("r", "r+"):
        with open_source("a.h5", "volumes/raw", mode=mode) as source:
            spec = source.to_spec()
        done = run_python(code, json.dumps(asdict(spec)))
        assert done.stdout.split() == [str(VOLUME.sum()), str(mode == "r+")], done.stderr


def test_reads_by_url_and_fetches_only_what_is_read(http_folder):
    folder, url = http_folder
    volume = np.random.default_rng(0).integers(0, 255, (64, 256, 256)).astype(np.uint8)
    save(folder / "a.h5", data=volume, chunks=(8, 64, 64))
    source = open_source(f"{url}/a.h5", "raw", storage_options={"block_size": 2**16})
    assert (source.shape, source.writable) == (volume.shape, False)
    np.testing.assert_array_equal(source[9:12, 100:140, 7], volume[9:12, 100:140, 7])
    np.testing.assert_array_equal(from_spec(source.to_spec())[60:, 3], volume[60:, 3])
    with pytest.raises(FileNotFoundError, match=r"b\.h5"):
        open_source(f"{url}/b.h5")
    with pytest.raises(ValueError, match="only read by URL"):
        open_source(f"{url}/a.h5", mode="r+")


def test_reads_from_s3(tmp_path, s3_bucket):
    url, options = s3_bucket
    save(tmp_path / "a.h5", chunks=(1, 6, 7))
    fsspec.filesystem("s3", **options).put(str(tmp_path / "a.h5"), f"{url}/a.h5")
    source = open_source(f"{url}/a.h5", storage_options=options)
    np.testing.assert_array_equal(source[3:], VOLUME[3:])


def test_a_missing_library_is_named(tmp_path):
    save(tmp_path / "a.h5")
    code = "import sys; sys.modules['h5py'] = None; import dalsegno.sources as s; s.open_source(sys.argv[1])"
    assert "pip install dalsegno" in run_python(code, tmp_path / "a.h5").stderr
