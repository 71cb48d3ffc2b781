"""Which neighbouring voxels belong to the same object."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["affinities", "affinity_mask"]

Offset = Sequence[int]


def affinities(
    labels: NDArray[np.integer[Any]], neighborhood: Sequence[Offset], *, background_as_object: bool = False
) -> NDArray[np.bool_]:
    """Return where a voxel and its neighbour at each offset are parts of one object, after Turaga et al. [1]_.

    Parameters
    ----------
    labels
        Id of the object of each voxel, 0 or below for background, shape ``(*spatial)``; any integer dtype.
    neighborhood
        Offsets from a voxel to its neighbours, E in all; in voxels per axis, of either sign.
    background_as_object
        Take the background for one more object.

    Returns
    -------
    affinities
        Shape ``(E, *spatial)``; False where the neighbour lies outside the array.

    References
    ----------
    .. [1] Turaga et al., "Convolutional Networks Can Learn to Generate Affinity Graphs for Image Segmentation",
       Neural Computation 2010.
    """
    same = np.zeros((len(neighborhood), *labels.shape), np.bool_)
    foreground = None if background_as_object else labels > 0
    for one, (here, there) in zip(same, _ends(labels.shape, neighborhood), strict=True):
        np.equal(labels[here], labels[there], out=one[here])
        if foreground is not None:
            one[here] &= foreground[here]
    return same


def affinity_mask(known: NDArray[np.bool_], neighborhood: Sequence[Offset]) -> NDArray[np.bool_]:
    """Return where affinities are known: where the labels of both voxels are.

    Parameters
    ----------
    known
        Where labels are known, shape ``(*spatial)``; nothing outside the array is.
    neighborhood
        Offsets from a voxel to its neighbours, E in all; in voxels per axis.

    Returns
    -------
    known
        Shape ``(E, *spatial)``.
    """
    both = np.zeros((len(neighborhood), *known.shape), np.bool_)
    for one, (here, there) in zip(both, _ends(known.shape, neighborhood), strict=True):
        np.logical_and(known[here], known[there], out=one[here])
    return both


Box = tuple[slice, ...]


def _ends(shape: tuple[int, ...], neighborhood: Sequence[Offset]) -> Iterator[tuple[Box, Box]]:
    """Yield for each offset the voxels whose neighbour lies in the array, and those neighbours."""
    for offset in neighborhood:
        steps = list(zip(offset, shape, strict=True))
        here = tuple(slice(max(0, -step), max(0, min(length, length - step))) for step, length in steps)
        there = tuple(slice(max(0, step), max(0, min(length, length + step))) for step, length in steps)
        yield here, there
