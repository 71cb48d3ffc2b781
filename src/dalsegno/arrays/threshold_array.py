"""Where an array reaches a threshold."""

from typing import Any

import numpy as np
from funlib.geometry import Roi
from numpy.typing import NDArray

from dalsegno.arrays.array import ArrayConfig
from dalsegno.arrays.array_view import ArrayView
from dalsegno.arrays.binary_voxels import BinaryVoxels
from dalsegno.config import config, field, finite

__all__ = ["ThresholdArray", "ThresholdArrayConfig"]


@config
class ThresholdArrayConfig(ArrayConfig):
    """1 where an array reaches a threshold, else 0."""

    source_array_config: ArrayConfig = field(help="Intensities or probabilities.")
    threshold: float = field(help="Values of at least this become 1.", check=finite)


class ThresholdArray(BinaryVoxels, ArrayView):
    """1 where the source is at least the threshold; NaN is below it."""

    def __init__(self, array_config: ThresholdArrayConfig) -> None:
        super().__init__(array_config.source_array_config.open())
        self.config = array_config

    def _read(self, roi: Roi) -> NDArray[Any]:
        reached: NDArray[np.bool_] = np.asarray(self.source_array[roi] >= self.config.threshold)
        return reached.view(np.uint8)


ThresholdArrayConfig.array_type = ThresholdArray
