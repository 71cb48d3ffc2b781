import json
import os
import subprocess
import sys
from dataclasses import asdict
from decimal import Decimal

import fsspec
import numpy as np
import pytest
import tensorstore
from cloudvolume import CloudVolume

from dalsegno.errors import DataError
from dalsegno.sources import Geometry, from_spec, open_source

SIZE, CORNER, CHUNK = (20, 18, 10), (5, 6, 7), (8, 8, 8)
VOLUME = np.random.default_rng(0).integers(1, 255, SIZE[::-1])
FINE, COARSE = "4.0_4.5_40.0", "8.0_9.0_40.0"
BOXES = (np.s_[:], np.s_[2], np.s_[1:4, 2:5, 16:], np.s_[9, 17, 19], np.s_[:, 0])


def save(folder, dtype="uint8", encoding="raw", compress=False, channels=1, volume=VOLUME):
    """Write a layer with two levels through cloud-volume."""
    kind = "image" if dtype == "uint8" else "segmentation"
    info = CloudVolume.create_new_info(
        channels, kind, dtype, encoding, (4, 4.5, 40), CORNER, SIZE, chunk_size=CHUNK, mesh=None
    )
    layer = CloudVolume(f"file://{folder}", info=info, compress=compress, progress=False)
    layer.add_scale((2, 2, 1))
    layer.commit_info()
    layer[:] = np.asfortranarray(volume.T.astype(dtype))
    layer.mip = 1
    x, y, z = layer.volume_size
    layer[:] = np.asfortranarray(volume.T[:x, :y, :z].astype(dtype))
    return folder


def run_python(code, *arguments):
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd="/",
        check=False,
    )


def chunks_of(folder, level=FINE):
    return sorted((folder / level).iterdir())


@pytest.mark.parametrize("compress", [False, "gzip", "br"])
@pytest.mark.parametrize(
    ("dtype", "encoding"),
    [
        ("uint8", "raw"),
        ("uint16", "raw"),
        ("uint64", "raw"),
        ("float32", "raw"),
        ("uint32", "compressed_segmentation"),
        ("uint64", "compressed_segmentation"),
    ],
)
def test_reads_what_cloud_volume_writes(tmp_path, dtype, encoding, compress):
    path = save(tmp_path / "layer", dtype, encoding, compress)
    for source in (open_source(path), open_source(path, fill_missing=True)):
        assert (source.format, source.shape, source.chunks, source.dtype) == ("precomputed", VOLUME.shape, CHUNK, dtype)
        for box in BOXES:
            np.testing.assert_array_equal(source[box], VOLUME[box].astype(dtype))
        assert not source.writable


def test_channels_come_first(tmp_path):
    volume = np.random.default_rng(0).integers(0, 255, (3, *SIZE[::-1]))
    for compress in (False, "gzip"):
        source = open_source(save(tmp_path / str(compress), compress=compress, channels=3, volume=volume))
        assert (source.shape, source.chunks) == ((3, *SIZE[::-1]), (3, *CHUNK))
        assert source.metadata.axes == ("c", "z", "y", "x")
        np.testing.assert_array_equal(source[:], volume)
        np.testing.assert_array_equal(source[1:, 3:5, 2, 7:], volume[1:, 3:5, 2, 7:])


def test_levels_are_chosen_by_number_or_name(tmp_path):
    path = save(tmp_path / "layer")
    for source in (open_source(path, mip=1), open_source(path, COARSE), open_source(path, COARSE, mip=1)):
        np.testing.assert_array_equal(source[:], VOLUME[:, :9, :10])
        assert source.metadata == Geometry(
            axes=("z", "y", "x"),
            voxel_size=(Decimal(40), Decimal(9), Decimal(8)),
            offset=(Decimal(280), Decimal(27), Decimal(16)),
            units="nm",
            convention="precomputed info",
        )
        np.testing.assert_array_equal(from_spec(source.to_spec())[3], source[3])
    with pytest.raises(KeyError, match=r"no mip 2.*0: 4.0_4.5_40.0 \(10, 18, 20\), 1: 8.0"):
        open_source(path, mip=2)
    with pytest.raises(KeyError, match="no level '16'"):
        open_source(path, "16")
    with pytest.raises(ValueError, match="two levels"):
        open_source(path, COARSE, mip=0)


def test_the_info_tells_the_geometry(tmp_path):
    assert open_source(save(tmp_path / "layer")).metadata == Geometry(
        axes=("z", "y", "x"),
        voxel_size=(Decimal(40), Decimal("4.5"), Decimal(4)),
        offset=(Decimal(280), Decimal(27), Decimal(20)),
        units="nm",
        convention="precomputed info",
    )


@pytest.mark.parametrize("compress", [False, "gzip"])
def test_a_chunk_that_is_not_stored_is_an_error_or_zero(tmp_path, compress):
    path = save(tmp_path / "layer", compress=compress)
    (path / FINE / ("5-13_6-14_7-15" + (".gz" if compress else ""))).unlink()
    source = open_source(path)
    np.testing.assert_array_equal(source[:, :, 8:], VOLUME[:, :, 8:])
    with pytest.raises(DataError, match=r"5-13_6-14_7-15.*fill_missing=True|fill_missing=True.*5-13_6-14_7-15"):
        source[0]
    wanted = VOLUME.copy()
    wanted[:8, :8, :8] = 0
    np.testing.assert_array_equal(open_source(path, fill_missing=True)[:], wanted)


def test_a_layer_of_packed_and_plain_chunks_is_read_right(tmp_path):
    path = save(tmp_path / "layer")
    for options in ({}, {"fill_missing": True}):
        open_source(path, **options)[:]
    packed = save(tmp_path / "packed", compress="gzip")
    for number, (plain, gz) in enumerate(zip(chunks_of(path), chunks_of(packed), strict=True)):
        if number % 2:
            gz.rename(path / FINE / gz.name)
            plain.unlink()
    for options in ({}, {"fill_missing": True}):
        np.testing.assert_array_equal(open_source(path, **options)[:], VOLUME)


def test_a_packed_layer_is_never_zeros_where_cloud_volume_is_missing(tmp_path):
    path = save(tmp_path / "layer", compress="gzip")
    code = (
        "import sys; sys.modules['cloudvolume'] = None\n"
        "from dalsegno.sources import open_source\n"
        "open_source(sys.argv[1], fill_missing=sys.argv[2] == 'True')[:]"
    )
    for fill_missing in (False, True):
        done = run_python(code, path, fill_missing)
        assert "DataError" in done.stderr
        assert "chunks are packed" in done.stderr
        assert "pip install 'dalsegno[cloudvolume]'" in done.stderr


def test_an_encoding_that_tensorstore_lacks_is_left_to_cloud_volume(tmp_path):
    path = save(tmp_path / "layer", "uint64")
    info = json.loads((path / "info").read_text())
    info["scales"][0]["encoding"] = "crackle"
    (path / "info").write_text(json.dumps(info))
    with pytest.raises(DataError, match="codec crackle is not installed"):
        open_source(path)[:]


def test_sharded_layers(tmp_path):
    spec = {
        "driver": "neuroglancer_precomputed",
        "kvstore": {"driver": "file", "path": f"{tmp_path}/layer/"},
        "multiscale_metadata": {"data_type": "uint16", "num_channels": 1, "type": "image"},
        "scale_metadata": {
            "size": SIZE,
            "resolution": [4, 4, 40],
            "chunk_size": CHUNK,
            "encoding": "raw",
            "sharding": {
                "@type": "neuroglancer_uint64_sharded_v1",
                "hash": "identity",
                "minishard_bits": 1,
                "shard_bits": 1,
                "preshift_bits": 0,
            },
        },
    }
    tensorstore.open(spec, create=True).result()[..., 0].write(VOLUME.T.astype("uint16")).result()
    for options in ({}, {"fill_missing": True}):
        np.testing.assert_array_equal(open_source(tmp_path / "layer", **options)[1:7, 3:], VOLUME[1:7, 3:])


def test_damage_is_a_data_error(tmp_path):
    path = save(tmp_path / "layer")
    chunk = path / FINE / "5-13_6-14_7-15"
    chunk.write_bytes(chunk.read_bytes()[:-1])
    with pytest.raises(DataError, match=r"layer can't be read.*511 bytes"):
        open_source(path)[0]
    packed = save(tmp_path / "packed", compress="gzip")
    chunk = packed / FINE / "5-13_6-14_7-15.gz"
    chunk.write_bytes(chunk.read_bytes()[:-9])
    with pytest.raises(DataError, match=r"packed.* can't be read"):
        open_source(packed)[0]
    info = json.loads((path / "info").read_text())
    for change in ({"scales": [{}]}, {"data_type": "text"}, {"num_channels": 0}, {"scales": 3}):
        (path / "info").write_text(json.dumps(info | change))
        with pytest.raises(DataError, match="layer/info does not describe"):
            open_source(path, format="precomputed")
    (path / "info").unlink()
    with pytest.raises(FileNotFoundError, match="no info file"):
        open_source(path, format="precomputed")


@pytest.mark.parametrize("compress", [False, "gzip"])
def test_a_forked_process_reads_too(tmp_path, compress):
    path = save(tmp_path / "layer", compress=compress)
    code = """
import os, sys
from dalsegno.sources import open_source
source = open_source(sys.argv[1])
whole = source[:]
child = os.fork()
if child == 0:
    os._exit(0 if (source[:] == whole).all() and whole.any() else 3)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert run_python(code, path).stdout.strip() == "0"


@pytest.mark.parametrize("wrapper", ["", "file://", "precomputed://file://"])
def test_a_spec_reopens_in_a_fresh_process(tmp_path, monkeypatch, wrapper):
    save(tmp_path / "layer", compress="gzip")
    monkeypatch.chdir(tmp_path)
    code = (
        "import json, sys; from dalsegno.sources import from_spec, SourceSpec; "
        "s = from_spec(SourceSpec(**json.loads(sys.argv[1]))); print(int(s[:].sum()), s.writable)"
    )
    source = open_source(f"{wrapper}layer")
    assert source.path.endswith(os.fspath(tmp_path / "layer"))
    done = run_python(code, json.dumps(asdict(source.to_spec())))
    assert done.stdout.split() == [str(VOLUME.sum()), "False"], done.stderr


def test_what_is_no_url_is_refused(tmp_path):
    with pytest.raises(ValueError, match="precomputed://file://"):
        open_source("precomputed://layer")
    with pytest.raises(FileNotFoundError, match="no info file"):
        open_source(f"precomputed://file://{tmp_path}/none")


def test_reads_by_url(http_folder):
    folder, url = http_folder
    save(folder / "layer")
    save(folder / "packed", compress="gzip")
    for source in (open_source(f"precomputed://{url}/layer"), open_source(f"{url}/layer", format="precomputed")):
        np.testing.assert_array_equal(source[1:4, 2:5, 16:], VOLUME[1:4, 2:5, 16:])
        np.testing.assert_array_equal(from_spec(source.to_spec())[9, 17], VOLUME[9, 17])
    with pytest.raises(FileNotFoundError, match="no info file"):
        open_source(f"precomputed://{url}/none")
    for fill_missing in (False, True):
        with pytest.raises(DataError, match=r"chunks are packed.*copy the layer"):
            open_source(f"precomputed://{url}/packed", fill_missing=fill_missing)[0, :3, :3]


def test_packed_chunks_of_a_server_are_never_zeros_whatever_was_read_before(http_folder):
    folder, url = http_folder
    save(folder / "layer")
    packed = save(folder / "packed", compress="gzip")
    first, _, third = "5-13_6-14_7-15", "13-21_6-14_7-15", "21-25_6-14_7-15"
    (folder / "layer" / FINE / first).unlink()
    (folder / "layer" / FINE / third).unlink()
    (packed / FINE / f"{third}.gz").rename(folder / "layer" / FINE / f"{third}.gz")
    source = open_source(f"precomputed://{url}/layer", fill_missing=True)
    np.testing.assert_array_equal(source[:4, :4, :8], np.zeros((4, 4, 8)))
    np.testing.assert_array_equal(source[:4, :4, 8:16], VOLUME[:4, :4, 8:16])
    with pytest.raises(DataError, match="chunks are packed"):
        source[:4, :4, 16:]
    source = open_source(f"precomputed://{url}/layer")
    with pytest.raises(DataError, match="fill_missing=True takes zeros"):
        source[:4, :4, :8]
    with pytest.raises(DataError, match="chunks are packed"):
        source[:4, :4, 16:]


def test_packed_chunks_of_a_server_are_never_zeros_in_a_forked_process(http_folder):
    folder, url = http_folder
    (save(folder / "layer", compress="gzip") / FINE / "5-13_6-14_7-15.gz").unlink()
    code = """
import os, sys
from dalsegno.errors import DataError
from dalsegno.sources import open_source
source = open_source(sys.argv[1], fill_missing=True)
source[:4, :4, :8]
child = os.fork()
if child == 0:
    hole = source[:4, :4, :8]
    try:
        source[:4, :4, 8:16]
    except DataError as error:
        os._exit(0 if "chunks are packed" in str(error) and not hole.any() else 3)
    os._exit(4)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert run_python(code, f"precomputed://{url}/layer").stdout.strip() == "0"


def test_reads_from_s3(tmp_path, s3_bucket):
    url, options = s3_bucket
    save(tmp_path / "layer")
    fsspec.filesystem("s3", **options).put(str(tmp_path / "layer"), f"{url}/layer", recursive=True)
    source = open_source(f"precomputed://{url}/layer", storage_options=options)
    np.testing.assert_array_equal(source[:], VOLUME)
    assert open_source(f"{url}/layer", format="precomputed", mip=1, storage_options=options).shape == (10, 9, 10)


def test_a_missing_library_is_named(tmp_path):
    save(tmp_path / "layer")
    code = "import sys; sys.modules['tensorstore'] = None; import dalsegno.sources as s; s.open_source(sys.argv[1])"
    assert "pip install dalsegno" in run_python(code, tmp_path / "layer").stderr
