"""Masks joined to one."""

from typing import Any

import numpy as np
from funlib.geometry import Roi
from numpy.typing import NDArray

from dalsegno.arrays.array import ArrayConfig
from dalsegno.arrays.array_view import ArrayView
from dalsegno.arrays.binary_voxels import BinaryVoxels
from dalsegno.config import config, field
from dalsegno.errors import DataError

__all__ = ["LogicalOrArray", "LogicalOrArrayConfig"]


@config
class LogicalOrArrayConfig(ArrayConfig):
    """Masks joined to one: 1 where any channel of an array is not 0."""

    source_array_config: ArrayConfig = field(help="The masks, one in each channel.")


class LogicalOrArray(BinaryVoxels, ArrayView):
    """Axes (*spatial): 1 where any channel of the source is not 0, else 0.

    Raises
    ------
    DataError
        If the source has no channels.
    """

    def __init__(self, array_config: LogicalOrArrayConfig) -> None:
        super().__init__(array_config.source_array_config.open())
        self.config = array_config
        if self.source_array.num_channels is None:
            raise DataError(
                f"{self.source_array} has no channels to join; name its channel axis 'c' in `axes`, or put several "
                "arrays side by side with ConcatArray first"
            )

    @property
    def num_channels(self) -> None:
        """None: there is no channel axis."""
        return None

    def _read(self, roi: Roi) -> NDArray[Any]:
        joined: NDArray[np.bool_] = np.any(self.source_array[roi], axis=0)
        return joined.view(np.uint8)


LogicalOrArrayConfig.array_type = LogicalOrArray
