"""TIFF and NIfTI files by URL: only what is read is fetched."""

import socket

import fsspec
import nibabel
import numpy as np
import pytest
import tifffile

from dalsegno.errors import DataError
from dalsegno.sources import from_spec, open_source

STACK = np.random.default_rng(0).integers(0, 60000, (5, 30, 40)).astype(np.uint16)
BOXES = (np.s_[:], np.s_[2], np.s_[1:4, 3:9, 30:], np.s_[4, 29, 39])


@pytest.mark.parametrize(
    "options",
    [{}, {"compression": "zlib"}, {"byteorder": ">"}, {"tile": (16, 16)}, {"imagej": True}, {"ome": True}],
)
def test_tiff_stacks(http_folder, options):
    folder, url = http_folder
    tifffile.imwrite(folder / "a.tif", STACK, **options)
    source = open_source(f"{url}/a.tif")
    assert (source.format, source.shape, source.dtype) == ("tiff", STACK.shape, STACK.dtype)
    assert source.metadata == open_source(folder / "a.tif").metadata
    for box in BOXES:
        np.testing.assert_array_equal(source[box], STACK[box])
    np.testing.assert_array_equal(from_spec(source.to_spec())[3], STACK[3])


@pytest.fixture
def unused_tcp_port_url():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}"  # held, but no one listens


def fetched(server):
    """Return how many bytes were asked for in ranges; infinite if a whole file was."""
    ranges = [one.removeprefix("bytes=").split("-") if one else (0, "inf") for one in server.ranges]
    return sum(float(stop or "inf") + 1 - int(start) for start, stop in ranges)


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_of_a_stack_only_the_pages_that_are_read_are_fetched(http_server, compression):
    stack = np.random.default_rng(0).integers(0, 255, (12, 1000, 1000)).astype(np.uint8)
    tifffile.imwrite(http_server.folder / "a.tif", stack, compression=compression)
    source = open_source(f"{http_server.url}/a.tif")
    assert fetched(http_server) < 1.5 * stack[0].nbytes
    np.testing.assert_array_equal(source[7, 3:5], stack[7, 3:5])
    assert fetched(http_server) < 3 * stack[0].nbytes


def test_tiff_from_s3(tmp_path, s3_bucket):
    url, options = s3_bucket
    tifffile.imwrite(tmp_path / "a.tif", STACK, compression="zlib")
    fsspec.filesystem("s3", **options).put(str(tmp_path / "a.tif"), f"{url}/a.tif")
    source = open_source(f"{url}/a.tif", storage_options=options)
    np.testing.assert_array_equal(source[1:3], STACK[1:3])
    with pytest.raises(FileNotFoundError, match=r"b\.tif"):
        open_source(f"{url}/b.tif", storage_options=options)


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image])
def test_nifti(http_folder, suffix, kind):
    folder, url = http_folder
    nibabel.save(kind(STACK.T, np.diag([2, 3, 4, 1])), folder / f"a{suffix}")
    source = open_source(f"{url}/a{suffix}")
    assert (source.format, source.shape, source.dtype) == ("nifti", STACK.shape, STACK.dtype)
    assert source.metadata == open_source(folder / f"a{suffix}").metadata
    for box in BOXES:
        np.testing.assert_array_equal(source[box], STACK[box])
    np.testing.assert_array_equal(from_spec(source.to_spec())[3], STACK[3])


def test_of_a_nifti_image_only_what_is_read_is_fetched(http_server):
    volume = np.random.default_rng(0).integers(0, 255, (60, 500, 500)).astype(np.uint8)
    nibabel.save(nibabel.Nifti1Image(volume.T, np.eye(4)), http_server.folder / "a.nii")
    source = open_source(f"{http_server.url}/a.nii", storage_options={"block_size": 2**16})
    np.testing.assert_array_equal(source[40, 3:5], volume[40, 3:5])
    assert fetched(http_server) < volume.nbytes / 10


@pytest.mark.parametrize("name", ["a.tif", "a.nii", "a.nii.gz"])
def test_damage_and_absence_are_data_errors(http_folder, name):
    folder, url = http_folder
    (folder / name).write_bytes(b"no image" * 100)
    with pytest.raises(DataError, match=rf"{name}.*"):
        open_source(f"{url}/{name}")
    with pytest.raises(FileNotFoundError, match="nothing is stored"):
        open_source(f"{url}/none/{name}")
    if name == "a.tif":
        tifffile.imwrite(folder / name, STACK)
    else:
        nibabel.save(nibabel.Nifti1Image(STACK.T, np.eye(4)), folder / name)
    (folder / name).write_bytes((folder / name).read_bytes()[:4000])
    with pytest.raises(DataError, match=name):
        open_source(f"{url}/{name}")[:]


@pytest.mark.parametrize("name", ["a.tif", "a.h5", "a.nii", "a.zarr", "a.n5"])
def test_a_server_that_does_not_answer_is_not_one_without_the_file(unused_tcp_port_url, name):
    with pytest.raises(DataError, match=r"Cannot connect to host .* is the server up\?") as raised:
        open_source(f"{unused_tcp_port_url}/{name}")
    assert not isinstance(raised.value, FileNotFoundError)
