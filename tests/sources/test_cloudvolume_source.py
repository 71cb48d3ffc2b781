import json
import subprocess
import sys
from dataclasses import asdict

import numpy as np
import pytest
from cloudvolume import CloudVolume

from dalsegno.errors import DataError
from dalsegno.sources import CloudVolumeSource, SourceSpec, as_source, from_spec, open_cloudvolume

SIZE, CORNER, CHUNK = (20, 18, 10), (5, 6, 7), (8, 9, 10)
VOLUME = np.random.default_rng(0).integers(1, 255, SIZE[::-1]).astype(np.uint8)


def create(folder, dtype="uint8", encoding="raw", channels=1, **options):
    info = CloudVolume.create_new_info(
        channels, "segmentation", dtype, encoding, (4, 4, 40), CORNER, SIZE, chunk_size=CHUNK, mesh=None
    )
    layer = CloudVolume(f"file://{folder}", info=info, progress=False, **options)
    layer.commit_info()
    return layer


def save(folder, volume=VOLUME, encoding="raw", **options):
    """Write a layer with two levels."""
    layer = create(folder, volume.dtype.name, encoding, **options)
    layer.add_scale((2, 2, 1))
    layer.commit_info()
    layer[:] = np.asfortranarray(volume.T)
    layer.mip = 1
    layer[:] = np.asfortranarray(volume.T[::2, ::2])
    return f"file://{folder}"


def run_python(code, *arguments):
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, cwd="/", check=False
    )


@pytest.mark.parametrize(
    ("dtype", "encoding"),
    [("uint8", "raw"), ("uint64", "raw"), ("uint64", "compressed_segmentation"), ("float32", "raw")],
)
@pytest.mark.parametrize("compress", [None, False])
def test_reads_and_writes_what_cloud_volume_does(tmp_path, dtype, encoding, compress):
    volume = VOLUME.astype(dtype)
    path = save(tmp_path / "layer", volume, encoding, compress=compress)
    source = open_cloudvolume(path, compress=compress)
    assert (source.shape, source.dtype, source.chunks, source.shards) == (volume.shape, dtype, CHUNK[::-1], None)
    assert source.writable
    for box in (np.s_[:], np.s_[2], np.s_[1:4, 2:5, 16:], np.s_[9, 17, 19], np.s_[:, 0], np.s_[4:4], np.s_[12:]):
        np.testing.assert_array_equal(source[box], volume[box])
    source[1:3, :, 2] = 1
    source[4] = np.arange(20)
    source[5:5] = 9
    volume[1:3, :, 2] = 1
    volume[4] = np.arange(20)
    np.testing.assert_array_equal(source[:], volume)
    np.testing.assert_array_equal(CloudVolume(path, progress=False)[:][..., 0], volume.T)


def test_a_view_has_its_own_corner(tmp_path):
    path = save(tmp_path / "layer")
    source = open_cloudvolume(path, offset=(7, 10, 8), size=(4, 5, 6))
    np.testing.assert_array_equal(source[:], VOLUME[1:7, 4:9, 2:6])
    source[0, 0, -1] = 200
    assert CloudVolume(path, progress=False)[10, 10, 8] == 200
    np.testing.assert_array_equal(from_spec(source.to_spec())[1:], VOLUME[2:7, 4:9, 2:6])


@pytest.mark.parametrize(
    "view",
    [{"offset": (4, 6, 7)}, {"size": (21, 18, 10)}, {"offset": (7, 6, 7), "size": (20, 1, 1)}, {"size": (-1, 1, 1)}],
)
def test_a_view_beyond_the_layer_is_refused(tmp_path, view):
    path = save(tmp_path / "layer")
    with pytest.raises(ValueError, match=r"not inside of.*offset \(5, 6, 7\), size \(20, 18, 10\)"):
        open_cloudvolume(path, **view)
    with pytest.raises(ValueError, match="three axes"):
        open_cloudvolume(path, offset=(1, 2))


def test_a_layer_without_bounds_reads_zeros_beyond(tmp_path):
    path = save(tmp_path / "layer")
    source = open_cloudvolume(path, bounded=False, fill_missing=True, offset=(0, 6, 7), size=(25, 18, 10))
    np.testing.assert_array_equal(source[:], np.pad(VOLUME, ((0, 0), (0, 0), (5, 0))))


def test_levels_are_chosen_by_number(tmp_path):
    path = save(tmp_path / "layer")
    source = open_cloudvolume(path, mip=1)
    np.testing.assert_array_equal(source[:], VOLUME[:, ::2, ::2])
    with pytest.raises(KeyError, match="has no mip 2"):
        open_cloudvolume(path, mip=2)


def test_chunks_that_are_not_stored_are_an_error_or_zeros(tmp_path):
    path = f"file://{tmp_path / 'layer'}"
    create(tmp_path / "layer")
    source = open_cloudvolume(path)
    with pytest.raises(DataError, match="is not stored; fill_missing=True"):
        source[0]
    with pytest.raises(DataError, match="is not stored; fill_missing=True"):
        source[0, 0, 0] = 1
    filled = open_cloudvolume(path, fill_missing=True)
    assert (filled[:] == 0).all()
    filled[1:, 3:5] = 7
    assert (filled[1:, 3:5] == 7).all()
    assert filled[:].sum() == 9 * 2 * 20 * 7


def test_only_whole_chunks_are_written_where_that_is_asked_for(tmp_path):
    source = open_cloudvolume(save(tmp_path / "layer"), non_aligned_writes=False)
    with pytest.raises(DataError, match="non_aligned_writes=True"):
        source[0, 0, 0] = 1
    source[:, :9, :8] = 3
    assert (source[:, :9, :8] == 3).all()


def test_several_channels_are_refused(tmp_path):
    create(tmp_path / "layer", channels=2)
    with pytest.raises(ValueError, match="single-channel"):
        open_cloudvolume(f"file://{tmp_path / 'layer'}")


def test_a_handle_becomes_a_source_with_its_own_parameters(tmp_path):
    path = save(tmp_path / "layer")
    handle = CloudVolume(path, mip=1, fill_missing=True, non_aligned_writes=True, progress=False)
    source = as_source(handle)
    assert source.volume is handle
    spec = source.to_spec()
    assert spec == SourceSpec(
        "cloudvolume",
        path,
        None,
        {
            "mip": 1,
            "fill_missing": True,
            "bounded": True,
            "cache": False,
            "non_aligned_writes": True,
            "offset": [2, 3, 7],
            "size": [10, 9, 10],
        },
    )
    np.testing.assert_array_equal(from_spec(spec)[:], VOLUME[:, ::2, ::2])
    assert CloudVolumeSource(handle, offset=(3, 3, 7), size=(2, 2, 2)).to_spec().params["mip"] == 1
    cutout = handle[2:5, 3:5, 7:9]
    assert not isinstance(as_source(cutout), CloudVolumeSource)
    np.testing.assert_array_equal(as_source(cutout)[:], cutout)


@pytest.mark.parametrize("path", ["file://layer", "layer", "precomputed://file://layer"])
def test_a_spec_reopens_in_a_fresh_process(tmp_path, monkeypatch, path):
    save(tmp_path / "layer")
    monkeypatch.chdir(tmp_path)
    source = open_cloudvolume(path, mip=1, offset=(3, 3, 7), size=(2, 2, 2))
    spec = source.to_spec()
    assert spec.path == f"file://{tmp_path}/layer"
    code = (
        "import json, sys; from dalsegno.sources import from_spec, SourceSpec; "
        "s = from_spec(SourceSpec(**json.loads(sys.argv[1]))); print(int(s[:].sum()), s.writable)"
    )
    done = run_python(code, json.dumps(asdict(spec)))
    assert done.stdout.split() == [str(source[:].sum()), "True"], done.stderr


def test_secrets_are_no_part_of_a_source(tmp_path):
    with pytest.raises(ValueError, match="cloudvolume/secrets"):
        open_cloudvolume(save(tmp_path / "layer"), secrets={"token": "abc"})
    for prefix in ("", "precomputed://"):
        with pytest.raises(ValueError, match="credentials") as raised:
            open_cloudvolume(f"{prefix}https://me:hidden@example.org/layer")
        assert "hidden" not in str(raised.value)


def test_layers_behind_http_are_only_read(http_folder):
    folder, url = http_folder
    save(folder / "layer", compress=False)
    source = open_cloudvolume(f"{url}/layer")
    np.testing.assert_array_equal(source[2:4, 3], VOLUME[2:4, 3])
    with pytest.raises(TypeError, match="read-only"):
        source[0] = 1
    with pytest.raises(FileNotFoundError, match="no info file"):
        open_cloudvolume(f"{url}/none")


def test_damage_is_a_data_error(tmp_path):
    path = save(tmp_path / "layer")
    for chunk in (tmp_path / "layer/4_4_40").iterdir():
        chunk.write_bytes(chunk.read_bytes()[:-9])
    with pytest.raises(DataError, match="layer at mip 0 can't be read"):
        open_cloudvolume(path)[0]
    (tmp_path / "layer/info").write_text("{")
    with pytest.raises(DataError, match="layer can't be opened"):
        open_cloudvolume(path)
    with pytest.raises(FileNotFoundError, match="no info file"):
        open_cloudvolume(f"file://{tmp_path}/none")


def test_threads_and_forked_processes_read_too(tmp_path):
    code = """
import os, sys
from concurrent.futures import ThreadPoolExecutor
from dalsegno.sources import open_cloudvolume
source = open_cloudvolume(sys.argv[1])
whole = source[:]
with ThreadPoolExecutor(8) as pool:
    same = all(pool.map(lambda z: (source[z % 10] == whole[z % 10]).all(), range(100)))
child = os.fork()
if child == 0:
    os._exit(0 if (source[:] == whole).all() else 3)
print(same, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert run_python(code, save(tmp_path / "layer")).stdout.split() == ["True", "0"]


def test_a_missing_library_is_named(tmp_path):
    code = (
        "import sys; sys.modules['cloudvolume'] = None; import dalsegno.sources as s; s.open_cloudvolume(sys.argv[1])"
    )
    assert "pip install 'dalsegno[cloudvolume]'" in run_python(code, save(tmp_path / "layer")).stderr
