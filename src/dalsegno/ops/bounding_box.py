"""The smallest box around what is set."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["bounding_box"]


def bounding_box(foreground: NDArray[np.bool_]) -> tuple[slice, ...]:
    """Return one slice per axis that cut out the box around all True voxels; empty slices if there are none."""
    box = []
    for axis in range(foreground.ndim):
        others = tuple(other for other in range(foreground.ndim) if other != axis)
        (found,) = np.nonzero(foreground.any(axis=others))
        box.append(slice(int(found[0]), int(found[-1]) + 1) if len(found) else slice(0, 0))
    return tuple(box)
