"""Every kind of source passes the suite that plug-ins run on theirs."""

import nibabel
import numpy as np
import pytest
import tifffile
import zarr

from dalsegno.sources import as_source, open_source
from dalsegno.sources.file_format import known_formats
from dalsegno.testing.source_conformance import SourceConformance

VOXELS = np.arange(1, 7 * 10 * 12 + 1, dtype=np.uint16).reshape(7, 10, 12)
KINDS = {}


def kind(format=None):
    """Add a function that writes a file of a format into a folder, and returns a source of it and its voxels."""

    def add(make):
        KINDS[make.__name__] = (format, make)

    return add


def write_zarr(folder, **options):
    zarr.create_array(folder / "a.zarr", name="raw", data=VOXELS, chunks=(4, 5, 6), **options)
    return folder / "a.zarr"


@kind("zarr")
def zarr_v3(folder):
    return open_source(write_zarr(folder), "raw"), VOXELS


@kind("zarr")
def zarr_v3_writable(folder):
    return open_source(write_zarr(folder), "raw", mode="r+"), VOXELS


@kind("zarr")
def zarr_v2_writable(folder):
    return open_source(write_zarr(folder, zarr_format=2), "raw", mode="r+"), VOXELS


@kind("zarr")
def zarr_sharded_writable(folder):
    return open_source(write_zarr(folder, shards=(8, 10, 12)), "raw", mode="r+"), VOXELS


@kind()
def zarr_handle(folder):
    return as_source(zarr.open_array(write_zarr(folder), path="raw", mode="r+")), VOXELS


@kind()
def zarr_handle_for_reading(folder):
    return as_source(zarr.open_array(write_zarr(folder), path="raw", mode="r")), VOXELS


@kind("zarr")
def zarr_big_endian(folder):
    path = write_zarr(folder, zarr_format=2)
    zarr.create_array(path, name="swapped", data=VOXELS.astype(">u2"), chunks=(4, 5, 6), zarr_format=2)
    return open_source(path, "swapped", mode="r+"), VOXELS


@kind("tiff")
def tiff(folder):
    tifffile.imwrite(folder / "a.tif", VOXELS)
    return open_source(folder / "a.tif"), VOXELS


@kind("tiff")
def tiff_compressed(folder):
    tifffile.imwrite(folder / "a.tif", VOXELS, compression="zlib")
    return open_source(folder / "a.tif"), VOXELS


@kind("tiff")
def tiff_with_channels(folder):
    voxels = np.arange(5 * 6 * 7 * 3, dtype=np.uint8).reshape(5, 6, 7, 3)
    tifffile.imwrite(folder / "a.tif", voxels, photometric="rgb")
    return open_source(folder / "a.tif"), voxels


@kind("folder")
def folder_of_pages(folder):
    for number, page in enumerate(VOXELS):
        tifffile.imwrite(folder / f"s{number + 7}.tif", page)
    return open_source(folder, "*.tif"), VOXELS


@kind("nifti")
def nifti(folder):
    nibabel.save(nibabel.Nifti1Image(VOXELS.T.astype(np.int16), np.eye(4)), folder / "a.nii")
    return open_source(folder / "a.nii"), VOXELS.astype(np.int16)


@kind("nifti")
def nifti_compressed(folder):
    nibabel.save(nibabel.Nifti1Image(VOXELS.T.astype(np.float32), np.eye(4)), folder / "a.nii.gz")
    return open_source(folder / "a.nii.gz"), VOXELS.astype(np.float32)


class TestFiles(SourceConformance):
    @pytest.fixture(scope="class", params=KINDS)
    @classmethod
    def stored(cls, request, tmp_path_factory):
        source, voxels = KINDS[request.param][1](tmp_path_factory.mktemp("stored"))
        with source:
            yield source, voxels


class TestMemory(SourceConformance):
    reopenable = False

    @pytest.fixture(scope="class", params=["written", "only read"])
    @classmethod
    def stored(cls, request):
        voxels = VOXELS.copy()
        voxels.flags.writeable = request.param == "written"
        return as_source(voxels), VOXELS


def test_no_format_is_left_out():
    assert {known.name for known in known_formats()} <= {name for name, _ in KINDS.values()}
