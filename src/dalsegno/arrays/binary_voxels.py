"""What views that tell yes from no have in common."""

from typing import Any

import numpy as np

__all__ = ["BinaryVoxels"]


class BinaryVoxels:
    """Voxels that are 0 or 1, uint8; named before `ArrayView` among the bases of a view."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """uint8."""
        return np.dtype(np.uint8)

    @property
    def holds_labels(self) -> bool:
        """True: 0 and 1 are no intensities."""
        return True
