"""Reading a region that reaches beyond the data."""

import numpy as np
from funlib.geometry import Roi
from numpy.typing import NDArray

from dalsegno.arrays.array import Array
from dalsegno.errors import DataError

__all__ = ["read_mirrored"]


def read_mirrored(array: Array, roi: Roi) -> NDArray[np.generic]:
    """Return the voxels of a region; those outside the array are mirrored at its border.

    Parameters
    ----------
    array
        Axes (c?, *spatial).
    roi
        World units, on the array's grid; it overlaps the array.

    Returns
    -------
    NDArray
        Shape (c?, *spatial), the array's dtype.

    Raises
    ------
    DataError
        If the region does not overlap the array at all.
    """
    inside = roi.intersect(array.roi)
    if inside.empty:
        raise DataError(f"the region {roi} {array.units} does not overlap the data at {array.roi}; check the crop")
    if inside == roi:
        return array[roi]
    # what is mirrored is read too, so that a voxel outside is the same in whichever region it is read
    before, after = inside.begin - roi.begin, roi.end - inside.end
    wide = inside.grow(after + array.voxel_size, before + array.voxel_size).intersect(array.roi)
    data: NDArray[np.generic] = array[wide]
    channels = data.ndim - array.dims
    width = [(0, 0)] * channels + list(zip(before / array.voxel_size, after / array.voxel_size, strict=True))
    begin = (inside.begin - wide.begin) / array.voxel_size
    shape = roi.shape / array.voxel_size
    kept = tuple(slice(first, first + count) for first, count in zip(begin, shape, strict=True))
    return np.pad(data, width, mode="reflect")[(slice(None),) * channels + kept]
