"""The base of arrays whose voxels stand in a source."""

from typing import Any

import numpy as np
from funlib.geometry import Coordinate, Roi
from numpy.typing import NDArray

from dalsegno.arrays.array import Array
from dalsegno.arrays.frame import Frame
from dalsegno.sources import Source

__all__ = ["StoredArray"]


class StoredArray(Array):
    """A source with a place in the world. Reading is one subtraction, one division, and the source's own reading.

    Parameters
    ----------
    source
        The voxels.
    frame
        Their place.
    roi
        World units: the part that is used; all of it if not given.
    """

    def __init__(self, source: Source, frame: Frame, roi: Roi | None = None) -> None:
        self.source = source
        self.frame = frame
        self._roi = frame.roi(source.shape) if roi is None else roi
        self._channel_axis = frame.axes.index("c") if "c" in frame.axes else None

    @property
    def axes(self) -> list[str]:
        """Names of the axes as they are read, channels first."""
        return ["c"] * (self._channel_axis is not None) + [axis for axis in self.frame.axes if axis != "c"]

    @property
    def voxel_size(self) -> Coordinate:
        """Size of a voxel in world units."""
        return self.frame.voxel_size

    @property
    def roi(self) -> Roi:
        """The region that has data, in world units."""
        return self._roi

    @property
    def units(self) -> str:
        """Short name of the unit."""
        return self.frame.units

    @property
    def origins(self) -> dict[str, str]:
        """Where axes, voxel size, offset and units come from: ``"config"``, ``"header"`` or ``"default"``."""
        return self.frame.origins

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the voxels."""
        return self.source.dtype

    @property
    def num_channels(self) -> int | None:
        """Number of channels; None without a channel axis."""
        return None if self._channel_axis is None else self.source.shape[self._channel_axis]

    @property
    def writable(self) -> bool:
        """Whether the source can be written."""
        return self.source.writable

    @property
    def shows_all(self) -> bool:
        """Whether it shows every voxel of its source, in the order in which they are stored."""
        return not self._channel_axis and self._roi == self.frame.roi(self.source.shape)

    def _slices(self, roi: Roi) -> tuple[slice, ...]:
        spatial: tuple[slice, ...] = ((roi - self.frame.offset) / self.frame.voxel_size).to_slices()
        if self._channel_axis is None:
            return spatial
        return (*spatial[: self._channel_axis], slice(None), *spatial[self._channel_axis :])

    def _read(self, roi: Roi) -> NDArray[Any]:
        block: NDArray[Any] = self.source[self._slices(roi)]
        return np.moveaxis(block, self._channel_axis, 0) if self._channel_axis else block

    def _write(self, roi: Roi, value: NDArray[Any]) -> None:
        self.source[self._slices(roi)] = np.moveaxis(value, 0, self._channel_axis) if self._channel_axis else value
