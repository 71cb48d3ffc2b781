"""Write the WEBKNOSSOS dataset beside this file: `python make_webknossos.py`, with webknossos 4.3.3."""

import shutil
import warnings
from pathlib import Path

import numpy as np
import webknossos as wk

FOLDER = Path(__file__).parent / "webknossos"
BOX = wk.BoundingBox((5, 8, 6), (38, 29, 21))


def color(x, y, z):
    return (x + 3 * y + 7 * z) % 251


def segmentation(x, y, z):
    return 1 + x // 8 + 10 * (y // 8) + 1000 * (z // 8)


def channels(x, y, z):
    return np.stack([1 + x + 50 * c + 0 * y * z for c in range(3)])


def add(dataset, voxels, dtype, data_format, mags, **options):
    layer = dataset.add_layer(
        voxels.__name__,
        options.pop("category", "color"),
        dtype=dtype,
        data_format=data_format,
        bounding_box=BOX,
        **options,
    )
    for mag in map(wk.Mag, mags):
        box = BOX.align_with_mag(mag, ceil=True)
        x, y, z = map(np.arange, box.topleft, box.bottomright, mag)
        shard = (32, 32, 32) if data_format == "zarr3" else (16, 16, 16)
        view = layer.add_mag(mag, chunk_shape=(16, 16, 16), shard_shape=shard, compress=True)
        block = voxels(*np.meshgrid(x, y, z, indexing="ij")).astype(dtype)
        view.write(block, absolute_offset=box.topleft)
    layer.bounding_box = BOX


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    shutil.rmtree(FOLDER, ignore_errors=True)
    dataset = wk.Dataset(FOLDER, voxel_size=(11.24, 11.24, 28), name="formula")
    add(dataset, color, "uint8", "zarr3", ("1", "2"))
    labels = {"category": "segmentation", "largest_segment_id": 3045}
    add(dataset, segmentation, "uint32", "zarr3", ("1", "2-2-1"), **labels)
    add(dataset, channels, "uint16", "zarr", ("1",), num_channels=3)
