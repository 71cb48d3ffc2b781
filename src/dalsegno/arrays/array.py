"""What an array is: voxels with axes, a place in the world, and units."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np
from funlib.geometry import Coordinate, Roi
from numpy.typing import DTypeLike, NDArray

from dalsegno.arrays.array_config import ArrayConfig
from dalsegno.errors import DataError
from dalsegno.sources.written_values import fitted

__all__ = ["Array", "ArrayConfig", "Snap"]

Snap = Literal["error", "grow", "shrink", "closest"]
"""What happens to a region whose borders lie between voxels."""


class Array(ABC):
    """Voxels in world coordinates, which are whole numbers of `units`.

    ``array[roi]`` reads a region with axes (c?, *spatial): channels come first, wherever they are stored.
    """

    @property
    @abstractmethod
    def axes(self) -> list[str]:
        """Names of the axes as they are read: ``"c"`` first where there are channels, then the spatial ones."""

    @property
    @abstractmethod
    def voxel_size(self) -> Coordinate:
        """Size of a voxel in world units, per spatial axis."""

    @property
    @abstractmethod
    def roi(self) -> Roi:
        """The region that has data, in world units."""

    @property
    @abstractmethod
    def units(self) -> str:
        """Short name of the unit of all world coordinates, ``"nm"``; ``"voxel"`` where it is not known."""

    @property
    @abstractmethod
    def dtype(self) -> np.dtype[Any]:
        """Type of the voxels."""

    @property
    @abstractmethod
    def num_channels(self) -> int | None:
        """Number of channels; None without a channel axis."""

    @property
    def channels(self) -> list[str] | None:
        """Names of the channels, where they are known."""
        return None

    @property
    def attrs(self) -> dict[str, Any]:
        """A copy of the attributes that are stored with the array; `ZarrArray.add_metadata` stores further ones."""
        return {}

    @property
    def origins(self) -> dict[str, str]:
        """Where axes, voxel size, offset and units come from, for those that are read from somewhere."""
        return {}

    @property
    def writable(self) -> bool:
        """Whether regions can be written."""
        return False

    @property
    def holds_labels(self) -> bool:
        """Whether voxels are shown as labels rather than intensities; by default wide integers (32 bits) and bool."""
        return self.dtype.kind == "b" or (self.dtype.kind in "iu" and self.dtype.itemsize >= 4)

    @property
    def spatial_axes(self) -> list[str]:
        """Names of the axes without the channels."""
        return [axis for axis in self.axes if axis != "c"]

    @property
    def dims(self) -> int:
        """Number of spatial axes."""
        return len(self.voxel_size)

    @property
    def data(self) -> NDArray[Any]:
        """The whole array in memory, axes (c?, *spatial)."""
        return self[self.roi]

    @abstractmethod
    def _read(self, roi: Roi) -> NDArray[Any]:
        """Return the voxels of a region that is inside `roi`, on the grid, and not empty."""

    def _write(self, roi: Roi, value: NDArray[Any]) -> None:
        """Write a region as for `_read`; the value has its shape and dtype. Overridden where `writable` may be true."""
        raise NotImplementedError

    def __getitem__(self, roi: Roi) -> NDArray[Any]:
        """Return the voxels of a region.

        Parameters
        ----------
        roi
            World units; inside the array's own region and aligned to its voxels.

        Returns
        -------
        NDArray
            Axes (c?, *spatial), dtype as `dtype`.

        Raises
        ------
        DataError
            If the region is not inside the array or its borders lie between voxels, where the message names both; or
            if it is no region.
        """
        self.check_region(roi)
        return np.empty(self._extent(roi), self.dtype) if roi.empty else self._read(roi)

    def __setitem__(self, roi: Roi, value: Any) -> None:
        """Write the voxels of a region; the value is broadcast to (c?, *spatial).

        Arrays are cast to the dtype as numpy casts them; plain numbers have to fit it.

        Raises
        ------
        DataError
            As for reading; if the array is not writable; if the value has another shape, or is a plain number beyond
            the dtype.
        """
        self.check_region(roi)
        if not self.writable:
            raise DataError(f"{self} is read-only: {roi} can't be written; write to a zarr array opened with mode 'a'")
        block = fitted(value, self._extent(roi), self.dtype)
        if not roi.empty:
            self._write(roi, block)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self.data, dtype=dtype, copy=copy)

    def to_ndarray(self, roi: Roi | None = None, fill_value: float | None = None, snap: Snap = "error") -> NDArray[Any]:
        """Return the voxels of a region that may reach beyond the data or lie between voxels.

        Parameters
        ----------
        roi
            World units; the whole array if not given.
        fill_value
            What voxels beyond the data are, a number that the dtype holds; without it they are an error.
        snap
            How a region that is not aligned to the voxels is: an error, grown, shrunk, or moved to the closest.

        Raises
        ------
        DataError
            If the region reaches beyond the data without a `fill_value`, or is not aligned with `snap="error"`; if the
            dtype has no such `fill_value`, or there is no such `snap`.
        """
        roi = self.roi if roi is None else roi
        self._check_axes(roi)
        if snap not in get_args(Snap):
            raise DataError(f"snap={snap!r} is none of {', '.join(get_args(Snap))}")
        if fill_value is not None:
            self._check_fill(fill_value)
        if snap != "error":
            origin = self.roi.begin
            roi = (roi - origin).snap_to_grid(self.voxel_size, mode=snap) + origin
        if fill_value is None or self.roi.contains(roi):
            return self[roi]
        self._check_grid(roi)
        padded = np.full(self._extent(roi), fill_value, self.dtype)
        inside = roi.intersect(self.roi)
        if not inside.empty:
            place = (inside - roi.begin) / self.voxel_size
            padded[(..., *place.to_slices())] = self[inside]
        return padded

    @property
    def chunk_shape(self) -> tuple[int, ...] | None:
        """Voxels per spatial axis of what is stored, and so best read, together; None if unknown."""
        return None

    def region(self, box: Sequence[slice]) -> Roi:
        """Return the world region of a box of voxels; one slice per spatial axis, with start and stop."""
        begin, end = (Coordinate(getattr(part, edge) for part in box) for edge in ("start", "stop"))
        return Roi(self.roi.begin + begin * self.voxel_size, (end - begin) * self.voxel_size)

    def _extent(self, roi: Roi) -> tuple[int, ...]:
        channels = () if self.num_channels is None else (self.num_channels,)
        return (*channels, *(roi.shape / self.voxel_size))

    def check_region(self, roi: Roi) -> None:
        """Check that a region can be read.

        Raises
        ------
        DataError
            If it is not inside the array, or its borders lie between voxels; the message names both regions.
        """
        self._check_axes(roi)
        # plain numbers: the arithmetic of Roi costs more than reading from memory does
        for begin, size, first, extent in zip(roi.begin, roi.shape, self.roi.begin, self.roi.shape, strict=True):
            if not first <= begin <= begin + size <= first + extent:
                raise DataError(
                    f"the region {roi} {self.units} is not inside the data at {self.roi}; give the crop a `roi` within "
                    "the data, or correct the `offset` of the array (in Python, to_ndarray(roi, fill_value=...) pads)"
                )
        self._check_grid(roi)

    def _check_axes(self, roi: Roi) -> None:
        if not isinstance(roi, Roi):
            raise DataError(
                f"arrays are read by region, and {roi!r} is none; use array[Roi(begin, shape)] in {self.units}, "
                "array.data for all of it, or as_source(array)[...] to count in voxels"
            )
        if roi.dims != self.dims:
            raise DataError(f"the region {roi} has {roi.dims} axes, but {self} has {self.dims}: {self.spatial_axes}")
        if None in roi.begin or None in roi.shape:
            raise DataError(f"the region {roi} has no bounds; the data is at {self.roi}, name a part of that")

    def _check_fill(self, value: float) -> None:
        if self.dtype.kind not in "iub":
            return
        limits = (0, 1) if self.dtype.kind == "b" else (np.iinfo(self.dtype).min, np.iinfo(self.dtype).max)
        if not limits[0] <= value <= limits[1] or value != int(value):
            raise DataError(
                f"fill_value={value} is no {self.dtype}, which {self} holds; give a whole number from {limits[0]} to "
                f"{limits[1]}"
            )

    def _check_grid(self, roi: Roi) -> None:
        for begin, size, first, step in zip(roi.begin, roi.shape, self.roi.begin, self.voxel_size, strict=True):
            if (begin - first) % step or size % step:
                raise DataError(
                    f"the region {roi} {self.units} is not aligned to the voxels of the data at {self.roi} with voxel "
                    f"size {self.voxel_size}; begin and end the crop's `roi` on whole voxels from {self.roi.begin} on, "
                    "or correct the `offset` of the array (in Python, to_ndarray(roi, snap='grow'), 'shrink' or "
                    "'closest')"
                )

    def _can_neuroglance(self) -> bool:
        """Return whether neuroglancer is installed."""
        from dalsegno.arrays.neuroglancer_layer import can_neuroglance

        return can_neuroglance()

    def _neuroglancer_source(self) -> Any:
        """Return the source of `_neuroglancer_layer`."""
        from dalsegno.arrays.neuroglancer_layer import neuroglancer_source

        return neuroglancer_source(self)

    def _neuroglancer_layer(self) -> tuple[Any, dict[str, Any]]:
        """Return a layer of neuroglancer that reads this array, and its name: ``layers.append(layer=..., **more)``."""
        from dalsegno.arrays.neuroglancer_layer import neuroglancer_layer

        return neuroglancer_layer(self)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({self.dtype}, axes {self.axes}, {self.roi} {self.units}, voxels {self.voxel_size})"
        )
