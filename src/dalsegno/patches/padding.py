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
    data: NDArray[np.generic] = array[inside]
    if inside == roi:
        return data
    channels = data.ndim - array.dims
    before = (inside.begin - roi.begin) / array.voxel_size
    after = (roi.end - inside.end) / array.voxel_size
    width = [(0, 0)] * channels + list(zip(before, after, strict=True))
    return np.pad(data, width, mode="reflect")
