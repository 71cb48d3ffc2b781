"""The least array there can be, for tests."""

import numpy as np
from funlib.geometry import Coordinate

from dalsegno.arrays.array import ArrayConfig
from dalsegno.arrays.frame import Frame
from dalsegno.arrays.stored_array import StoredArray
from dalsegno.config import config
from dalsegno.sources import ArraySource

__all__ = ["DummyArray", "DummyArrayConfig"]


@config
class DummyArrayConfig(ArrayConfig):
    """100 x 50 x 50 zeros in memory. No experiment should use it: `verify` always says no."""

    def verify(self) -> tuple[bool, str]:
        """Return False and why."""
        return False, "This is a DummyArrayConfig and is never valid"


class DummyArray(StoredArray):
    """Zeros, float32, axes (z, y, x), 100 x 50 x 50 voxels of 1; what is written is kept in memory."""

    def __init__(self, array_config: DummyArrayConfig) -> None:
        frame = Frame(("z", "y", "x"), Coordinate(1, 1, 1), Coordinate(0, 0, 0), "voxel")
        super().__init__(ArraySource(np.zeros((100, 50, 50), np.float32)), frame)
        self.config = array_config


DummyArrayConfig.array_type = DummyArray
