"""Creates the images that tests write."""

from types import SimpleNamespace

import numpy as np
from funlib.geometry import Coordinate, Roi

from dalsegno.arrays.zarr_array import ZarrArray


def create(container, dataset="image", axes="zyx", begin=(80, -20, 16), shape=(4, 10, 12), voxel=(8, 4, 4), **options):
    """Create an image of `shape` voxels of `voxel` nm, with 3 channels where `axes` has "c", and open it."""
    dims = len(axes) - axes.count("c")
    arguments = {
        "axes": list(axes),
        "roi": Roi(begin[-dims:], Coordinate(shape[-dims:]) * Coordinate(voxel[-dims:])),
        "num_channels": 3 if "c" in axes else None,
        "voxel_size": Coordinate(voxel[-dims:]),
        "dtype": np.uint16,
        "units": "nm",
    }
    identifier = SimpleNamespace(container=container, dataset=dataset)
    return ZarrArray.create_from_array_identifier(identifier, **(arguments | options))
