"""The base of arrays that show another array differently."""

from typing import Any

import numpy as np
from funlib.geometry import Coordinate, Roi
from numpy.typing import NDArray

from dalsegno.arrays.array import Array

__all__ = ["ArrayView"]


class ArrayView(Array):
    """An array that shows `source_array`; a concrete view overrides what differs.

    Nothing is read before it is asked for. A view has no attributes, since they speak of voxels as they are stored;
    one that shows these very voxels overrides `attrs`.

    Parameters
    ----------
    source_array
        The array that is shown.
    """

    def __init__(self, source_array: Array) -> None:
        self.source_array = source_array

    @property
    def axes(self) -> list[str]:
        """The source's spatial axes, after ``"c"`` where the view has channels."""
        return ["c"] * (self.num_channels is not None) + self.source_array.spatial_axes

    @property
    def voxel_size(self) -> Coordinate:
        """Voxel size of the source."""
        return self.source_array.voxel_size

    @property
    def roi(self) -> Roi:
        """Region of the source."""
        return self.source_array.roi

    @property
    def units(self) -> str:
        """Units of the source."""
        return self.source_array.units

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the source."""
        return self.source_array.dtype

    @property
    def num_channels(self) -> int | None:
        """Number of channels of the source."""
        return self.source_array.num_channels

    @property
    def channels(self) -> list[str] | None:
        """Names of the source's channels, where the view has as many."""
        return self.source_array.channels if self.num_channels == self.source_array.num_channels else None

    @property
    def holds_labels(self) -> bool:
        """Whether voxels are shown as labels: as of the source, as long as they are integers."""
        return super().holds_labels or (self.dtype.kind in "iub" and self.source_array.holds_labels)

    @property
    def origins(self) -> dict[str, str]:
        """Where the source's axes, voxel size, offset and units come from."""
        return self.source_array.origins

    def _read(self, roi: Roi) -> NDArray[Any]:
        return self.source_array[roi]
