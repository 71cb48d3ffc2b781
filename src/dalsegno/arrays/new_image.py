"""What an image is to be, checked before anything of it is written."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np
from attrs import Attribute, field, frozen
from funlib.geometry import Coordinate, Roi
from numpy.typing import DTypeLike

from dalsegno.arrays.chunk_layout import ChunkLayout, chunk_layout
from dalsegno.config import coordinate
from dalsegno.errors import DataError
from dalsegno.sources import Geometry
from dalsegno.sources.geometry import NOT_SPATIAL
from dalsegno.units import canonical

__all__ = ["NewImage"]


def _names(axes: Sequence[str]) -> tuple[str, ...]:
    return tuple(axes)


def _voxel_type(dtype: DTypeLike) -> np.dtype[Any]:
    try:
        found = np.dtype(dtype)
    except (TypeError, ValueError) as error:
        raise DataError(f"dtype {dtype!r} is no type of numpy; name one, such as 'uint8' or 'float32'") from error
    if found.kind not in "biufc" or found.char in "gG":
        raise DataError(f"voxels of dtype {found} can't be stored; use bool, integers, floats or complex numbers")
    return found


@frozen
class NewImage:
    """An image that is to be created.

    Attributes
    ----------
    axes
        Names of the axes; ``"c"`` first where there are channels, the others are spatial.
    roi
        World units: the region it covers.
    num_channels
        Number of channels; None without a channel axis.
    voxel_size
        World units.
    dtype
        Type of the voxels.
    units
        Unit of the world coordinates.

    Raises
    ------
    DataError
        If these don't fit each other, or can't be stored.
    ConfigError
        If the unit is unknown, or the voxel size has fractions.
    """

    axes: tuple[str, ...] = field(converter=_names)
    roi: Roi = field()
    num_channels: int | None
    voxel_size: Coordinate = field(converter=coordinate)
    dtype: np.dtype[Any] = field(converter=_voxel_type)
    units: str = field(converter=canonical)

    @roi.validator
    def _check_region(self, _: "Attribute[Roi]", roi: Roi) -> None:
        if None in roi.begin or None in roi.shape or min(roi.shape) < 1:
            raise DataError(f"the region {roi} has no voxels or no bounds; give a begin and a shape above 0")

    def __attrs_post_init__(self) -> None:
        """Check how the parts fit each other."""
        roi, size, channels = self.roi, self.voxel_size, self.num_channels
        if len(size) != roi.dims or min(size) < 1:
            raise DataError(f"voxel_size {size} doesn't fit the region {roi}; give a number above 0 for each axis")
        if any(roi.shape % size):
            raise DataError(f"the region {roi} is no multiple of the voxel size {size}; snap it to the voxels first")
        if channels is not None and (isinstance(channels, bool) or not hasattr(channels, "__index__") or channels < 1):
            raise DataError(f"num_channels {channels} is no number of channels; give 1 or more, None for no such axis")
        self._check_axes()

    def _check_axes(self) -> None:
        axes, channels = self.axes, self.num_channels
        if len(set(axes)) != len(axes) or not all(isinstance(axis, str) and axis for axis in axes):
            raise DataError(f"axes {list(axes)} don't name each axis differently; write them as ['c', 'z', 'y', 'x']")
        has_channels = channels is not None
        if len(axes) != has_channels + self.roi.dims or ("c" in axes[:1]) != has_channels or "c" in axes[1:]:
            shown = f"{channels} channels" if has_channels else "no channels (num_channels=None)"
            raise DataError(
                f"axes {list(axes)} don't fit a region of {self.roi.dims} axes with {shown}; name every axis, 'c' "
                "first where there are channels"
            )
        others = [axis for axis in axes if axis in NOT_SPATIAL and axis != "c"]
        if others:
            raise DataError(
                f"axes {list(axes)} have {others}, which are not spatial; create an image for each position on them"
            )

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels per axis."""
        return (*self._channels(self.num_channels or 0), *(self.roi.shape / self.voxel_size))

    @property
    def geometry(self) -> Geometry:
        """Names of the axes, voxel size, offset and units."""
        return Geometry(self.axes, _decimals(self.voxel_size), _decimals(self.roi.begin), self.units)

    @property
    def attributes(self) -> dict[str, Any]:
        """The same as attributes of the array that funlib reads."""
        return {
            "axis_names": list(self.axes),
            "offset": list(self.roi.begin),
            "voxel_size": list(self.voxel_size),
            "units": [self.units] * self.roi.dims,
        }

    def layout(self, write_size: Sequence[int] | None) -> ChunkLayout:
        """Return chunks and shards, voxels per axis, of one channel each.

        Parameters
        ----------
        write_size
            World units: regions of this size, from the lower corner on, share none of them.

        Raises
        ------
        DataError
            If the write size is no multiple of the voxel size, or can't be divided into chunks.
        """
        shape, size = self.roi.shape / self.voxel_size, self.voxel_size
        if write_size is None:
            layout = chunk_layout(shape)
        else:
            region = coordinate(write_size)
            if len(region) != len(size) or any(region % size) or min(region) < 1:
                raise DataError(f"write_size {region} is no multiple of the voxel size {size}; give whole voxels")
            layout = chunk_layout(shape, region / size)
        one = self._channels(1)
        return ChunkLayout((*one, *layout.chunks), layout.shards and (*one, *layout.shards))

    def _channels(self, number: int) -> tuple[int, ...]:
        return () if self.num_channels is None else (int(number),)


def _decimals(numbers: Coordinate) -> tuple[Decimal, ...]:
    return tuple(map(Decimal, numbers))
