"""Segments that grow into the background."""

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

__all__ = ["expand_segments"]

L = TypeVar("L", bound=np.integer[Any])


def expand_segments(segments: NDArray[L], distance: float, along: Sequence[bool] | None = None) -> NDArray[L]:
    """Return the segments with the background that is near one of them, given to the nearest.

    Parameters
    ----------
    segments
        Shape ``(*spatial)``, 0 for background.
    distance
        Largest distance in voxels, between centres.
    along
        For each axis whether segments grow along it; along all if not given.
    """
    expanded = segments.copy()
    if distance <= 0:
        return expanded
    flat = [axis for axis, grows in enumerate(along or ()) if not grows]
    order = flat + [axis for axis in range(segments.ndim) if axis not in flat]
    source, target = segments.transpose(order), expanded.transpose(order)
    for at in np.ndindex(source.shape[: len(flat)]):
        empty = source[at] == 0
        if empty.any() and not empty.all():
            distances, nearest = distance_transform_edt(empty, return_indices=True)
            near = empty & (distances <= distance)
            target[at][near] = source[at][tuple(index[near] for index in nearest)]
    return expanded
