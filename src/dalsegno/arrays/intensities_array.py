"""Intensities on a scale from 0 to 1."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from funlib.geometry import Roi
from numpy.typing import NDArray

from dalsegno.arrays.array import ArrayConfig
from dalsegno.arrays.array_view import ArrayView
from dalsegno.config import config, field, finite
from dalsegno.errors import Problem

__all__ = ["IntensitiesArray", "IntensitiesArrayConfig"]


@config
class IntensitiesArrayConfig(ArrayConfig):
    """Intensities on a scale from 0 to 1: ``(x - min) / (max - min)``. What lies beyond is not clipped."""

    source_array_config: ArrayConfig = field(help="The intensities.")
    min: float = field(help="The intensity that becomes 0.", check=finite)
    max: float = field(help="The intensity that becomes 1.", check=finite)

    def problems(self) -> Iterator[Problem]:
        """Yield a problem if min and max are the same."""
        if self.min == self.max:
            yield Problem(f"min and max are both {self.min:g}, which would divide by 0; max is the brightest intensity")


class IntensitiesArray(ArrayView):
    """Intensities as float32, ``min`` mapped to 0 and ``max`` to 1."""

    def __init__(self, array_config: IntensitiesArrayConfig) -> None:
        super().__init__(array_config.source_array_config.open())
        self.config = array_config

    @property
    def dtype(self) -> np.dtype[Any]:
        """float32."""
        return np.dtype(np.float32)

    def _read(self, roi: Roi) -> NDArray[Any]:
        block = self.source_array[roi]
        # float32 is exact for integers of 16 bits; wider ones need the digits before the subtraction
        wide = block.dtype.itemsize > 2 and block.dtype != np.float32
        scaled: NDArray[Any] = block.astype(np.float64 if wide else np.float32)
        scaled -= self.config.min
        scaled /= self.config.max - self.config.min
        return np.asarray(scaled, np.float32)


IntensitiesArrayConfig.array_type = IntensitiesArray
