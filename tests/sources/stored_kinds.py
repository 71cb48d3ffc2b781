"""One source of every kind: a function for each writes it with the library of its format."""

import json
import shutil
from pathlib import Path

import h5py
import mrcfile
import nibabel
import numpy as np
import tifffile
import z5py
import zarr
from PIL import Image
from pylibCZIrw import czi as czi_files

from dalsegno.sources import as_source, open_cloudvolume, open_source, open_webknossos

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


@kind("tiff")
def tiff_written_in_a_loop(folder):
    with tifffile.TiffWriter(folder / "a.tif") as file:
        for page in VOXELS:
            file.write(page)
    return open_source(folder / "a.tif"), VOXELS


def write_parts(folder, stack, count, **options):
    """Write an OME-TIFF of several files, as microscopes do; each describes all."""
    size = len(stack) // count
    data = "".join(
        f'<TiffData FirstZ="{size * part}" IFD="0" PlaneCount="{size}">'
        f'<UUID FileName="m{part}.ome.tif">urn:uuid:{part}</UUID></TiffData>'
        for part in range(count)
    )
    _, height, width = stack.shape
    for part in range(count):
        description = (
            f'<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" '
            f'UUID="urn:uuid:{part}"><Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint16" '
            f'SizeX="{width}" SizeY="{height}" SizeZ="{len(stack)}" SizeC="1" SizeT="1">{data}</Pixels></Image></OME>'
        )
        pages = stack[size * part : size * (part + 1)]
        tifffile.imwrite(folder / f"m{part}.ome.tif", pages, description=description, metadata=None, **options)
    return folder / "m0.ome.tif"


@kind("tiff")
def tiff_of_several_files(folder):
    return open_source(write_parts(folder, VOXELS, 7, compression="zlib")), VOXELS


@kind("folder")
def png_alone(folder):
    Image.fromarray(VOXELS[0]).save(folder / "a.png")
    return open_source(folder / "a.png"), VOXELS[0]


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


@kind("zarr")
def ome_zarr_level(folder):
    path = write_zarr(folder)
    levels = [
        {"path": name, "coordinateTransformations": [{"type": "scale", "scale": [scale] * 3}]}
        for name, scale in (("coarse", 2), ("raw", 1))
    ]
    axes = [{"name": name, "type": "space"} for name in "zyx"]
    multiscales = [{"axes": axes, "datasets": levels[::-1]}]
    zarr.create_array(path, name="coarse", data=VOXELS[::2, ::2, ::2], chunks=(4, 5, 6))
    zarr.open_group(path, mode="r+").attrs["ome"] = {"version": "0.5", "multiscales": multiscales}
    return open_source(path, level=1), VOXELS[::2, ::2, ::2]


def write_hdf5(folder):
    with h5py.File(folder / "a.h5", "w") as file:
        file.create_dataset("volumes/raw", data=VOXELS, chunks=(2, 5, 6), compression="gzip")
    return folder / "a.h5"


@kind("hdf5")
def hdf5(folder):
    return open_source(write_hdf5(folder), "volumes/raw"), VOXELS


@kind()
def hdf5_handle(folder):
    return as_source(h5py.File(write_hdf5(folder), "r")["volumes/raw"]), VOXELS


def write_n5(folder):
    with z5py.File(str(folder / "a.n5"), "w") as file:
        file.create_dataset("raw/s0", data=VOXELS, chunks=(4, 5, 6), compression="gzip")
    return folder / "a.n5"


@kind("n5")
def n5(folder):
    return open_source(write_n5(folder), "raw/s0"), VOXELS


@kind("n5")
def n5_writable(folder):
    return open_source(write_n5(folder), "raw/s0", mode="r+"), VOXELS


@kind()
def n5_handle(folder):
    return as_source(z5py.File(str(write_n5(folder)), "r+")["raw/s0"]), VOXELS


@kind("mrc")
def mrc(folder):
    mrcfile.write(folder / "a.mrc", VOXELS[:, ::-1])
    return open_source(folder / "a.mrc"), VOXELS


@kind("knossos")
def knossos(folder):
    voxels = (np.arange(128**3) % 251).astype(np.uint8).reshape(128, 128, 128)
    cube = folder / "set/mag1/x0000/y0000/z0000/set_mag1_x0000_y0000_z0000.png"
    cube.parent.mkdir(parents=True)
    Image.fromarray(voxels.reshape(128 * 128, 128)).save(cube)
    (folder / "set/knossos.conf").write_text("".join(f"boundary {axis} 20;\n" for axis in "xyz"))
    return open_source(folder / "set"), voxels[:20, :20, :20]


def copied_webknossos(folder):
    """Return a dataset that webknossos wrote, and its layer with mag 2 read by zarr alone."""
    path = shutil.copytree(Path(__file__).parent / "data/webknossos", folder / "set")
    (layer,) = [
        layer
        for layer in json.loads((path / "datasource-properties.json").read_text())["dataLayers"]
        if layer["name"] == "color"
    ]
    box = layer["boundingBox"]
    begin = np.array(box["topLeft"])
    end = begin + np.array([box["width"], box["height"], box["depth"]])
    stored = zarr.open_array(path / "color/1", mode="r")[0]
    return path, stored[tuple(map(slice, begin, end))].T


@kind("webknossos")
def webknossos(folder):
    path, voxels = copied_webknossos(folder)
    return open_source(path, "color/1"), voxels


@kind()
def webknossos_source(folder):
    path, voxels = copied_webknossos(folder)
    return open_webknossos(str(path), layer_name="color"), voxels


@kind("czi")
def czi(folder):
    with czi_files.create_czi(str(folder / "a.czi")) as file:
        for z, plane in enumerate(VOXELS):
            file.write(plane[..., None], plane={"Z": z})
    return open_source(folder / "a.czi"), VOXELS


def write_layer(folder, compress):
    from cloudvolume import CloudVolume  # takes seconds to load

    info = CloudVolume.create_new_info(
        num_channels=1, layer_type="image", data_type="uint16", encoding="raw", resolution=[4, 4, 40],
        voxel_offset=[10, 20, 30], volume_size=VOXELS.shape[::-1], chunk_size=[6, 5, 4],
    )  # fmt: skip
    layer = CloudVolume(f"file://{folder}/layer", info=info, compress=compress, progress=False)
    layer.commit_info()
    layer[:] = VOXELS.T[..., None]
    return folder / "layer"


@kind()
def cloudvolume_layer(folder):
    return open_cloudvolume(f"file://{write_layer(folder, 'gzip')}"), VOXELS


@kind()
def cloudvolume_handle(folder):
    from cloudvolume import CloudVolume

    handle = CloudVolume(
        f"file://{write_layer(folder, 'gzip')}", progress=False, fill_missing=True, non_aligned_writes=True
    )
    return as_source(handle), VOXELS


@kind("precomputed")
def precomputed(folder):
    return open_source(write_layer(folder, False)), VOXELS


@kind("precomputed")
def precomputed_and_gzipped(folder):
    return open_source(write_layer(folder, "gzip")), VOXELS
