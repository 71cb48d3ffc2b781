"""Segments of overlapping blocks as segments of the whole."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

__all__ = ["joined_numbers", "matching_segments"]


def matching_segments(first: NDArray[Any], second: NDArray[Any]) -> NDArray[np.int64]:
    """Return which segments of two segmentations of one region are the same.

    Two are the same where more than half of the voxels of each, within the region, are voxels of the other, so that
    each matches one at most. What one segmentation divides is thus never joined through the other.

    Parameters
    ----------
    first, second
        Segments of the same voxels, 0 for none; same shape.

    Returns
    -------
    pairs
        Segments of `first` and of `second`, shape ``(N, 2)``.
    """
    inside = (first > 0) & (second > 0)
    if not inside.any():
        return np.zeros((0, 2), np.int64)
    width = np.int64(second.max()) + 1
    both, overlap = np.unique(first[inside].astype(np.int64) * width + second[inside], return_counts=True)
    pairs = np.stack(np.divmod(both, width), axis=1)
    sizes = np.bincount(first.ravel())[pairs[:, 0]], np.bincount(second.ravel())[pairs[:, 1]]
    same: NDArray[np.int64] = pairs[2 * overlap > np.maximum(*sizes)]
    return same


def joined_numbers(sizes: NDArray[np.int64], pairs: NDArray[np.int64], min_size: int = 0) -> NDArray[np.uint64]:
    """Return the number of each fragment's segment, where pairs of fragments are parts of one segment.

    Parameters
    ----------
    sizes
        Voxels of each fragment.
    pairs
        Positions of fragments that belong together, shape ``(N, 2)``.
    min_size
        Segments of fewer voxels get 0.

    Returns
    -------
    numbers
        1 … n in the order of the segments' first fragments.
    """
    links = coo_array((np.ones(len(pairs), bool), (pairs[:, 0], pairs[:, 1])), shape=(len(sizes), len(sizes)))
    _, labels = connected_components(links, directed=False)
    _, first, segments = np.unique(labels, return_index=True, return_inverse=True)
    large = np.flatnonzero(np.bincount(segments, weights=sizes) >= min_size)
    numbers = np.zeros(len(first), np.uint64)
    numbers[large[np.argsort(first[large])]] = np.arange(1, len(large) + 1)
    joined: NDArray[np.uint64] = numbers[segments]
    return joined
