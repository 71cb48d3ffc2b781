"""The voxels of any array as a source, so that whatever takes sources takes arrays."""

from typing import Any

import numpy as np
from funlib.geometry import Coordinate, Roi
from numpy.typing import NDArray

from dalsegno.arrays.array import Array
from dalsegno.arrays.stored_array import StoredArray
from dalsegno.sources import Source, SourceSpec, register_source
from dalsegno.sources.errors import ReadOnly, SourceError
from dalsegno.sources.indexing import Slices

__all__ = ["ArrayVoxels", "voxels_of"]


class ArrayVoxels(Source):
    """An array without its place in the world: axes (c?, *spatial), voxel 0 at its lower corner.

    Only what an index asks for is read.

    Parameters
    ----------
    array
        The array.
    """

    def __init__(self, array: Array) -> None:
        self.array = array

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels per axis, (c?, *spatial)."""
        channels = () if self.array.num_channels is None else (self.array.num_channels,)
        return (*channels, *(self.array.roi.shape / self.array.voxel_size))

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the array."""
        return self.array.dtype

    @property
    def writable(self) -> bool:
        """Whether the array can be written."""
        return self.array.writable

    def _region(self, roi: Slices) -> tuple[Slices, Roi]:
        """Return the slices of the channels, and the region of the others."""
        channels = len(roi) - self.array.dims
        begin, end = (Coordinate(getattr(entry, edge) for entry in roi[channels:]) for edge in ("start", "stop"))
        return roi[:channels], Roi(begin, end - begin) * self.array.voxel_size + self.array.roi.begin

    def _getitem(self, roi: Slices) -> NDArray[Any]:
        channels, region = self._region(roi)
        return self.array[region][channels]

    def _setitem(self, roi: Slices, value: NDArray[Any]) -> None:
        channels, region = self._region(roi)
        if value.shape[: len(channels)] != self.shape[: len(channels)]:
            block = np.array(self.array[region])
            block[channels] = value
            value = block
        self.array[region] = value

    def __setitem__(self, index: Any, value: Any) -> None:
        """Write voxels.

        Raises
        ------
        ReadOnly
            If the array is read-only; a `TypeError`.
        """
        if not self._closed and not self.writable:
            raise ReadOnly(f"{self.array} is read-only; write to a zarr array opened with mode 'a'")
        super().__setitem__(index, value)

    def to_spec(self) -> SourceSpec:
        """Raise: an array is opened elsewhere by its config.

        Raises
        ------
        SourceError
            Always; a `ValueError`.
        """
        raise SourceError(
            f"{self.array} is made of others and has no file of its own to reopen; open its config elsewhere, or "
            "save it as zarr"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return ArrayVoxels, (self.array,)


def voxels_of(array: Array) -> Source:
    """Return the voxels of an array, axes (c?, *spatial).

    An array that shows all of its source in the order in which it is stored has that very source.
    """
    if isinstance(array, StoredArray) and array.shows_all:
        return array.source
    return ArrayVoxels(array)


register_source(lambda obj: isinstance(obj, Array), voxels_of)
