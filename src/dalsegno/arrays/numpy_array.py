"""Voxels in memory."""

from typing import Any, Self

import numpy as np
from funlib.geometry import Coordinate, Roi
from numpy.typing import NDArray

from dalsegno.arrays.array import ArrayConfig
from dalsegno.arrays.frame import Frame, check_axes
from dalsegno.arrays.stored_array import StoredArray
from dalsegno.config import config, coordinate, field
from dalsegno.errors import DataError
from dalsegno.sources import ArraySource
from dalsegno.units import canonical

__all__ = ["NumpyArray", "NumpyArrayConfig"]

_SPATIAL_AXES = ["t", "z", "y", "x"]


@config
class NumpyArrayConfig(ArrayConfig):
    """The voxels of another array, held in memory: read once, all of them, when it is opened."""

    source_array_config: ArrayConfig = field(help="The array to read; it has to fit in memory.")


class NumpyArray(StoredArray):
    """Voxels in memory, of another array or of numpy's. What is read are views on them; what is written stays here."""

    _attrs: dict[str, Any]

    def __init__(self, array_config: NumpyArrayConfig) -> None:
        source = array_config.source_array_config.open()
        channels = None if source.channels is None else tuple(source.channels)
        frame = Frame(tuple(source.axes), source.voxel_size, source.roi.begin, source.units, channels=channels)
        super().__init__(ArraySource(np.array(source.data)), frame)
        self.config = array_config
        self._attrs = source.attrs

    @property
    def attrs(self) -> dict[str, Any]:
        """Attributes of the array that was read; none of numpy's."""
        return dict(self._attrs)

    @classmethod
    def from_np_array(
        cls, array: NDArray[Any], roi: Roi, voxel_size: Coordinate, axes: list[str], *, units: str = "voxel"
    ) -> Self:
        """Place a numpy array in the world.

        Parameters
        ----------
        array
            Voxels, one axis per name in `axes`; lists are copied into a numpy array.
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
        array, voxel_size = np.asarray(array), coordinate(voxel_size)
        check_axes(axes, array.shape, "the array")
        spatial = [size for size, axis in zip(array.shape, axes, strict=True) if axis != "c"]
        if not len(spatial) == len(voxel_size) == roi.dims or Coordinate(spatial) * voxel_size != roi.shape:
            raise DataError(
                f"an array of shape {array.shape} with axes {list(axes)} and voxels of {voxel_size} does not fill the "
                f"region {roi}; the region's shape is the spatial shape times the voxel size"
            )
        placed = cls.__new__(cls)
        StoredArray.__init__(placed, ArraySource(array), Frame(tuple(axes), voxel_size, roi.begin, canonical(units)))
        placed._attrs = {}  # noqa: SLF001 - of this very class
        return placed

    @classmethod
    def from_gp_array(cls, array: Any) -> Self:
        """Take over a gunpowder array: an axis before the spatial ones holds channels; the units are not known.

        Raises
        ------
        DataError
            If it has more than one axis before the spatial ones, or more than four spatial ones.
        """
        spec, data = array.spec, np.asarray(array.data)
        before, spatial = data.ndim - spec.roi.dims, _SPATIAL_AXES[-spec.roi.dims :]
        if not 0 <= before <= 1 or len(spatial) != spec.roi.dims:
            raise DataError(
                f"a gunpowder array of shape {data.shape} in a region of {spec.roi.dims} axes has {before} axes before "
                "the spatial ones; an array has one at most, for channels, and up to four spatial ones: give one "
                "sample of a batch at a time"
            )
        return cls.from_np_array(data, spec.roi, spec.voxel_size, ["c"] * before + spatial)


NumpyArrayConfig.array_type = NumpyArray
