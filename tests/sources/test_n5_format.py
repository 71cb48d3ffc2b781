import json
import subprocess
import sys
from dataclasses import asdict
from decimal import Decimal

import fsspec
import numpy as np
import pytest
import tensorstore
import z5py

from dalsegno.errors import DataError
from dalsegno.sources import Geometry, SourceSpec, as_source, from_spec, open_source

VOLUME = np.random.default_rng(0).integers(0, 60000, (5, 6, 7)).astype(np.uint16)
COMPRESSIONS = ["raw", "gzip", "bzip2", "xz", "zstd", "blosc"]
DTYPES = ["uint8", "int16", "uint32", "uint64", "int64", "float32", "float64"]


def save(path, name="raw", data=VOLUME, **options):
    with z5py.File(str(path), "a") as file:
        file.create_dataset(name, data=data, chunks=(2, 3, 4), **options)
    return path


def load(path, name="raw"):
    with z5py.File(str(path), "r") as file:
        return file[name][:]


def add_attributes(path, **attributes):
    file = path / "attributes.json"
    known = json.loads(file.read_text()) if file.exists() else {}
    file.write_text(json.dumps(known | attributes))


def run_python(code, *arguments):
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, cwd="/", check=False
    )


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_reads_what_z5py_writes_and_the_other_way_round(tmp_path, compression, dtype):
    data = VOLUME.astype(dtype)
    path = save(tmp_path / "a.n5", data=data, compression=compression)
    source = open_source(path, "raw", mode="r+")
    assert (source.shape, source.chunks, source.dtype) == (data.shape, (2, 3, 4), np.dtype(dtype))
    for box in (np.s_[:], np.s_[2], np.s_[1:4, 2:5, 6:], np.s_[4, 5, 6], np.s_[:, 0]):
        np.testing.assert_array_equal(source[box], data[box])
    source[1:4, :, 2] = 1
    source[4] = np.arange(7)
    data[1:4, :, 2] = 1
    data[4] = np.arange(7)
    np.testing.assert_array_equal(load(path), data)
    np.testing.assert_array_equal(source[:], data)


def test_compressions_that_only_some_know(tmp_path):
    path = save(save(tmp_path / "a.n5", "bare", compression="lz4"), "framed", compression="lz4")
    for block in (path / "framed").rglob("*"):
        if block.is_file() and block.name != "attributes.json":
            stored = block.read_bytes()
            nbytes = np.prod(np.frombuffer(stored, ">u4", 3, 4)) * 2
            ends = [(stored[16:], nbytes), (b"", 0)]
            frames = [b"LZ4Block\x20" + np.array([len(c), n, 0], "<i4").tobytes() + c for c, n in ends]
            block.write_bytes(stored[:16] + b"".join(frames))
    for name in ("bare", "framed"):
        np.testing.assert_array_equal(open_source(path, name)[1:, 2], VOLUME[1:, 2])
        with pytest.raises(ValueError, match="lz4 blocks are only read"):
            open_source(path, name, mode="r+")
    add_attributes(path / "bare", compression={"type": "jpeg"})
    with pytest.raises(DataError, match=r"bare is compressed with 'jpeg'.*lz4"):
        open_source(path, "bare")


def test_reads_the_first_version_of_n5(tmp_path):
    path = save(tmp_path / "a.n5", compression="gzip")
    attributes = json.loads((path / "raw/attributes.json").read_text())
    del attributes["compression"]
    (path / "raw/attributes.json").write_text(json.dumps(attributes | {"compressionType": "gzip"}))
    np.testing.assert_array_equal(open_source(path, "raw")[:], VOLUME)


def test_blocks_that_tensorstore_writes_whole_are_cut(tmp_path):
    metadata = {"dimensions": [7, 6, 5], "blockSize": [4, 3, 2], "dataType": "uint16", "compression": {"type": "gzip"}}
    place = {"driver": "file", "path": str(tmp_path / "a.n5/raw")}
    spec = {"driver": "n5", "kvstore": place, "metadata": metadata}
    tensorstore.open(spec, create=True).result().T.write(VOLUME).result()
    add_attributes(tmp_path / "a.n5", n5="2.0.0")
    for value in (load(tmp_path / "a.n5"), open_source(tmp_path / "a.n5", "raw", format="n5")[:]):
        np.testing.assert_array_equal(value, VOLUME)


def test_a_forked_process_reads_and_writes_every_compression(tmp_path):
    for compression in COMPRESSIONS:
        save(tmp_path / "a.n5", compression, compression=compression)
    code = """
import os, sys
import numpy as np
from dalsegno.sources import open_source
sources = [open_source(sys.argv[1], name, mode="r+") for name in sys.argv[2:]]
whole = [source[:] for source in sources]
child = os.fork()
if child == 0:
    same = all((source[1:4, 2:] == read[1:4, 2:]).all() for source, read in zip(sources, whole))
    for source in sources:
        source[3:, 1, 2:6] = np.arange(4)
        source[4, 5, 6] = 99
    os._exit(0 if same else 3)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    done = run_python(code, tmp_path / "a.n5", *COMPRESSIONS)
    assert done.stdout.strip() == "0", done.stderr
    wanted = VOLUME.copy()
    wanted[3:, 1, 2:6] = np.arange(4)
    wanted[4, 5, 6] = 99
    for compression in COMPRESSIONS:
        np.testing.assert_array_equal(load(tmp_path / "a.n5", compression), wanted)
        np.testing.assert_array_equal(open_source(tmp_path / "a.n5", compression)[:], wanted)


def test_what_was_never_written_is_zero(tmp_path):
    for compression in ("gzip", "blosc"):
        with z5py.File(str(tmp_path / "a.n5"), "a") as file:
            file.create_dataset(compression, shape=(5, 6), dtype="int32", chunks=(2, 4), compression=compression)
        source = open_source(tmp_path / "a.n5", compression, mode="r+")
        assert (source[:] == 0).all()
        source[1:3, 3:5] = 7
        wanted = np.zeros((5, 6), "int32")
        wanted[1:3, 3:5] = 7
        np.testing.assert_array_equal(load(tmp_path / "a.n5", compression), wanted)


def test_datasets_are_named_where_one_is_to_be_chosen(tmp_path):
    path = save(save(tmp_path / "a.n5", "volumes/raw"), "volumes/gt")
    held = r"volumes/gt \(5, 6, 7\), volumes/raw \(5, 6, 7\)"
    for name in (None, "volumes"):
        with pytest.raises(ValueError, match=f"holds {held}; name one as internal_path"):
            open_source(path, name)
    with pytest.raises(KeyError, match=f"no dataset 'row' in .*{held}"):
        open_source(path, "row")
    np.testing.assert_array_equal(open_source(path / "volumes/raw")[:], VOLUME)


def test_a_container_without_its_own_attributes_is_opened_by_name(tmp_path):
    path = save(tmp_path / "a.n5").rename(tmp_path / "a")
    (path / "attributes.json").unlink()
    np.testing.assert_array_equal(open_source(path, "raw", format="n5")[0], VOLUME[0])
    (tmp_path / "empty.n5").mkdir()
    with pytest.raises(FileNotFoundError, match="no N5 container"):
        open_source(tmp_path / "empty.n5")


@pytest.mark.parametrize(
    ("attributes", "parent", "name", "geometry"),
    [
        ({}, {}, "raw", Geometry()),
        (
            {"resolution": [4, 4, 40.5], "offset": [8, 0, 405], "units": "nm"},
            {},
            "raw",
            Geometry(
                voxel_size=(Decimal("40.5"), Decimal(4), Decimal(4)),
                offset=(Decimal(405), Decimal(0), Decimal(8)),
                units="nm",
                convention="funlib attributes",
            ),
        ),
        (
            {"pixelResolution": {"dimensions": [4.6, 4.5, 50], "unit": "nm"}},
            {},
            "raw",
            Geometry(
                voxel_size=(Decimal(50), Decimal("4.5"), Decimal("4.6")), units="nm", convention="pixelResolution"
            ),
        ),
        (
            {"pixelResolution": {"dimensions": [4, 4, 50], "unit": "nm"}, "downsamplingFactors": [2, 2, 1]},
            {},
            "s1",
            Geometry(voxel_size=(Decimal(50), Decimal(8), Decimal(8)), units="nm", convention="pixelResolution"),
        ),
        (
            {"pixelResolution": {"dimensions": [8, 8, 50], "unit": "nm"}},
            {"scales": [[1, 1, 1], [2, 2, 1]]},
            "s1",
            Geometry(voxel_size=(Decimal(50), Decimal(8), Decimal(8)), units="nm", convention="pixelResolution"),
        ),
        (
            {},
            {"pixelResolution": {"dimensions": [4, 4, 50], "unit": "nm"}, "scales": [[1, 1, 1], [2, 2, 1]]},
            "s1",
            Geometry(
                voxel_size=(Decimal(50), Decimal(8), Decimal(8)),
                units="nm",
                convention="pixelResolution and downsamplingFactors",
            ),
        ),
        (
            {
                "transform": {
                    "axes": ["z", "y", "x"],
                    "scale": [5.24, 4, 4],
                    "translate": [1.5, 0, 2],
                    "units": ["nm"] * 3,
                }
            },
            {},
            "s0",
            Geometry(
                axes=("z", "y", "x"),
                voxel_size=(Decimal("5.24"), Decimal(4), Decimal(4)),
                offset=(Decimal("1.5"), Decimal(0), Decimal(2)),
                units="nm",
                convention="COSEM attributes",
            ),
        ),
        (
            {},
            {
                "multiscales": [
                    {
                        "datasets": [
                            {
                                "path": "s1",
                                "transform": {"axes": ["z", "y", "x"], "scale": [8, 8, 8], "units": ["nm"] * 3},
                            }
                        ]
                    }
                ]
            },
            "s1",
            Geometry(axes=("z", "y", "x"), voxel_size=(Decimal(8),) * 3, units="nm", convention="COSEM attributes"),
        ),
    ],
)
def test_attributes_of_dataset_and_pyramid_tell_the_geometry(tmp_path, attributes, parent, name, geometry):
    path = save(tmp_path / "a.n5", f"raw/{name}")
    add_attributes(path / "raw", **parent)
    add_attributes(path / "raw" / name, **attributes)
    source = open_source(path, f"raw/{name}")
    assert source.metadata == geometry
    assert source.attrs == attributes


def test_attributes_can_be_written(tmp_path):
    path = save(tmp_path / "a.n5")
    source = open_source(path, "raw", mode="r+")
    source.array.attrs["resolution"] = [4, 4, 40]
    source.array.attrs["name"] = "b"
    del source.array.attrs["name"]
    assert open_source(path, "raw").attrs == source.attrs == {"resolution": [4, 4, 40]}
    with pytest.raises(ValueError, match="can't be changed"):
        source.array.attrs["dimensions"] = [1, 1, 1]
    np.testing.assert_array_equal(load(path), VOLUME)


def test_damage_is_a_data_error(tmp_path):
    path = save(save(tmp_path / "a.n5", "gzip", compression="gzip"), "lz4", compression="lz4")
    for name in ("gzip", "lz4"):
        block = path / name / "0/0/0"
        block.write_bytes(block.read_bytes()[:-9])
        with pytest.raises(DataError, match=rf"a\.n5/{name}.*can't be read"):
            open_source(path, name)[0]
        np.testing.assert_array_equal(open_source(path, name)[2:], VOLUME[2:])
    for damage in ({"blockSize": [0, 2, 2]}, {"dimensions": 7}, {"dataType": "text"}, {"compression": None}):
        save(tmp_path / "b.n5", str(damage))
        add_attributes(tmp_path / "b.n5" / str(damage), **damage)
        with pytest.raises(DataError, match=r"attributes\.json"):
            open_source(tmp_path / "b.n5", str(damage))
    (path / "gzip/attributes.json").write_text("{")
    with pytest.raises(DataError, match=r"gzip/attributes\.json can't be read"):
        open_source(path, "gzip")


@pytest.mark.parametrize("use_zarr", [False, True])
def test_a_live_dataset_reopens_as_its_container(tmp_path, monkeypatch, use_zarr):
    name = "a.zarr" if use_zarr else "a.n5"
    save(tmp_path / name, "volumes/raw")
    monkeypatch.chdir(tmp_path)
    for mode, writable in (("r", False), ("a", True)):
        dataset = z5py.File(name, mode)["volumes/raw"]
        source = as_source(dataset)
        assert (source.format, source.chunks, source.writable) == (name[2:], (2, 3, 4), writable)
        np.testing.assert_array_equal(source[1:3, 2], VOLUME[1:3, 2])
        spec = source.to_spec()
        assert (spec.kind, spec.path, spec.internal_path) == ("file", str(tmp_path / name), "volumes/raw")
        assert from_spec(spec).writable == writable
        np.testing.assert_array_equal(from_spec(spec)[:], VOLUME)
    source[1, 2, 3] = 5
    source[2] = np.arange(7)
    source[3, 1:3] = 8
    for read in (dataset, from_spec(spec)):
        assert read[1, 2, 3] == 5
        np.testing.assert_array_equal(read[2], np.broadcast_to(np.arange(7), (6, 7)))
        assert (read[3, 1:3] == 8).all()


def test_the_documented_kind_of_spec_reopens(tmp_path):
    path = save(tmp_path / "a.n5", "volumes/raw")
    source = from_spec(SourceSpec("z5py", str(path), "volumes/raw"))
    np.testing.assert_array_equal(source[:], VOLUME)
    assert not source.writable
    assert from_spec(SourceSpec("z5py", str(path), "volumes/raw", {"mode": "r+"})).writable


def test_a_spec_reopens_in_a_fresh_process(tmp_path, monkeypatch):
    save(tmp_path / "a.n5")
    monkeypatch.chdir(tmp_path)
    code = (
        "import json, sys; from dalsegno.sources import from_spec, SourceSpec; "
        "s = from_spec(SourceSpec(**json.loads(sys.argv[1]))); print(int(s[:].sum()), s.writable)"
    )
    for mode in ("r", "r+"):
        spec = open_source("a.n5", "raw", mode=mode).to_spec()
        done = run_python(code, json.dumps(asdict(spec)))
        assert done.stdout.split() == [str(VOLUME.sum()), str(mode == "r+")], done.stderr
    with pytest.raises(TypeError, match="read-only"):
        open_source("a.n5", "raw")[0] = 1


def test_reads_by_url(http_folder):
    folder, url = http_folder
    save(folder / "a.n5", "volumes/raw", compression="blosc")
    add_attributes(folder / "a.n5/volumes/raw", resolution=[1, 2, 3])
    source = open_source(f"{url}/a.n5", "volumes/raw")
    np.testing.assert_array_equal(source[1:4, 2:, :3], VOLUME[1:4, 2:, :3])
    assert source.metadata.voxel_size == (3, 2, 1)
    np.testing.assert_array_equal(from_spec(source.to_spec())[:], VOLUME)
    with pytest.raises(ValueError, match="only read by URL"):
        open_source(f"{url}/a.n5", "volumes/raw", mode="r+")
    with pytest.raises(DataError, match="holds volumes/raw"):
        open_source(f"{url}/a.n5", "volumes/gt")


def test_reads_from_s3(tmp_path, s3_bucket):
    url, options = s3_bucket
    save(tmp_path / "a.n5", compression="gzip")
    fsspec.filesystem("s3", **options).put(str(tmp_path / "a.n5"), f"{url}/a.n5", recursive=True)
    source = open_source(f"{url}/a.n5", "raw", storage_options=options)
    np.testing.assert_array_equal(source[:], VOLUME)
    with pytest.raises(ValueError, match=r"holds raw \(5, 6, 7\)"):
        open_source(f"{url}/a.n5", storage_options=options)


def test_a_missing_library_is_named(tmp_path):
    save(tmp_path / "a.n5")
    code = "import sys; sys.modules['tensorstore'] = None; import dalsegno.sources as s; s.open_source(sys.argv[1])"
    assert "pip install dalsegno" in run_python(code, tmp_path / "a.n5").stderr
