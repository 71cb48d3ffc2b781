"""A numpy array with a place in the world."""

from typing import Any

import numpy as np
from funlib.geometry import Coordinate, Roi
from numpy.typing import NDArray

from dalsegno.arrays.frame import Frame
from dalsegno.arrays.stored_array import StoredArray
from dalsegno.config import coordinate
from dalsegno.errors import DataError
from dalsegno.sources import ArraySource
from dalsegno.units import canonical

__all__ = ["NumpyArray"]


class NumpyArray(StoredArray):
    """Voxels in memory; made by `from_np_array` or `from_gp_array`. What is read are views on them."""

    @classmethod
    def from_np_array(
        cls, array: NDArray[Any], roi: Roi, voxel_size: Coordinate, axes: list[str], *, units: str = "voxel"
    ) -> "NumpyArray":
        """Place a numpy array in the world.

        Parameters
        ----------
        array
            Voxels, one axis per name in `axes`.
        roi
            The region that it covers, world units.
        voxel_size
            World units, per spatial axis.
        axes
            ``"c"`` for channels, the others are spatial.
        units
            Unit of the world coordinates.

        Raises
        ------
        DataError
            If shape, axes, region and voxel size don't fit each other.
        """
        voxel_size = coordinate(voxel_size)
        spatial = [size for size, axis in zip(array.shape, axes, strict=False) if axis != "c"]
        fits = len(axes) == array.ndim and len(spatial) == len(voxel_size) == roi.dims
        if not fits or Coordinate(spatial) * voxel_size != roi.shape:
            raise DataError(
                f"an array of shape {array.shape} with axes {list(axes)} and voxels of {voxel_size} does not fill the "
                f"region {roi}; the region's shape is the spatial shape times the voxel size"
            )
        return cls(ArraySource(array), Frame(tuple(axes), voxel_size, roi.begin, canonical(units)))

    @classmethod
    def from_gp_array(cls, array: Any) -> "NumpyArray":
        """Take over a gunpowder array: axes before the spatial ones are channels, the units are not known.

        Raises
        ------
        DataError
            If it has more than one axis before the spatial ones.
        """
        spec, data = array.spec, np.asarray(array.data)
        axes = ["c"] * (data.ndim - spec.roi.dims) + ["t", "z", "y", "x"][-spec.roi.dims :]
        return cls.from_np_array(data, spec.roi, spec.voxel_size, axes)
