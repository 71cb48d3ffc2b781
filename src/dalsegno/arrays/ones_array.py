"""Ones wherever another array has data."""

from typing import Any, Self

import numpy as np
from funlib.geometry import Roi
from numpy.typing import NDArray

from dalsegno.arrays.array import Array, ArrayConfig
from dalsegno.arrays.array_view import ArrayView
from dalsegno.config import config, field

__all__ = ["OnesArray", "OnesArrayConfig"]


@config
class OnesArrayConfig(ArrayConfig):
    """Ones wherever another array has data: a mask that leaves nothing out."""

    source_array_config: ArrayConfig = field(help="The array whose axes, voxel size and region it has.")


class OnesArray(ArrayView):
    """Ones, bool, with the axes, channels, voxels and region of its source, whose voxels are never read."""

    def __init__(self, array_config: OnesArrayConfig) -> None:
        super().__init__(array_config.source_array_config.open())
        self.config = array_config

    @classmethod
    def like(cls, array: Array) -> Self:
        """Return ones with the axes, channels, voxels and region of an open array."""
        ones = cls.__new__(cls)
        ArrayView.__init__(ones, array)
        return ones

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type bool."""
        return np.dtype(np.bool_)

    def _read(self, roi: Roi) -> NDArray[Any]:
        return np.ones(self._extent(roi), self.dtype)


OnesArrayConfig.array_type = OnesArray
