"""The base of arrays whose voxels stand in a source."""

from typing import Any

import numpy as np
from funlib.geometry import Coordinate, Roi
from numpy.typing import NDArray

from dalsegno.arrays.array import Array
from dalsegno.arrays.frame import Frame
from dalsegno.sources import Source

__all__ = ["StoredArray", "reading_options"]


def reading_options(array_config: Any) -> dict[str, Any]:
    """Return how a config with the fields `level` and `storage_options` wants its file to be opened."""
    level = {} if array_config.level is None else {"level": array_config.level}
    return level | ({"storage_options": array_config.storage_options} if array_config.storage_options else {})


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
        has_channels = "c" in frame.shown
        self._axes = ["c"] * has_channels + [axis for axis in frame.shown if axis != "c"]
        self._channel_axis = frame.shown.index("c") if has_channels else None
        self._num_channels = source.shape[frame.axes.index("c")] if has_channels else None

    @property
    def axes(self) -> list[str]:
        """Names of the axes as they are read, channels first."""
        return list(self._axes)

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
        """Where axes, voxel size, offset and units come from.

        ``"config"``, the convention of the file's header (``"OME-Zarr 0.5"``), or ``"default"``.
        """
        return self.frame.origins

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the voxels."""
        return self.source.dtype

    @property
    def num_channels(self) -> int | None:
        """Number of channels; None without a channel axis."""
        return self._num_channels

    @property
    def channels(self) -> list[str] | None:
        """Names of the channels, where they are known."""
        return None if self.frame.channels is None else list(self.frame.channels)

    @property
    def writable(self) -> bool:
        """Whether the source can be written."""
        return self.source.writable

    @property
    def chunk_shape(self) -> tuple[int, ...] | None:
        """Voxels per spatial axis of what is stored together, counted from the corner of all that is stored."""
        if self.source.chunks is None:
            return None
        edges = zip(self.frame.axes, self.source.chunks, strict=True)
        return tuple(edge for axis, edge in edges if axis != "c" and axis not in self.frame.selected)

    @property
    def shows_all(self) -> bool:
        """Whether it shows every voxel of its source, in the order in which they are stored."""
        all_axes = not self._channel_axis and not self.frame.selected
        return all_axes and self._roi == self.frame.roi(self.source.shape)

    def _index(self, roi: Roi) -> tuple[slice | int, ...]:
        """Return the index of a region, one entry per stored axis."""
        frame = self.frame
        # plain numbers: the arithmetic of Roi would cost more than reading from memory does
        corners = zip(roi.begin, roi.shape, frame.offset, frame.voxel_size, strict=True)
        spatial = (slice((at - offset) // step, (at - offset + size) // step) for at, size, offset, step in corners)
        return tuple(
            frame.selected[axis] if axis in frame.selected else slice(None) if axis == "c" else next(spatial)
            for axis in frame.axes
        )

    def _read(self, roi: Roi) -> NDArray[Any]:
        block: NDArray[Any] = self.source[self._index(roi)]
        return np.moveaxis(block, self._channel_axis, 0) if self._channel_axis else block

    def _write(self, roi: Roi, value: NDArray[Any]) -> None:
        self.source[self._index(roi)] = np.moveaxis(value, 0, self._channel_axis) if self._channel_axis else value
