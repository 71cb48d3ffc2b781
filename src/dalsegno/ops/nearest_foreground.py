"""How far some voxels are from the nearest foreground.

Errors of a segmentation are few, and most touch the truth: they are looked at one by one, and the whole
volume is transformed only where many of them are far away.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import groupby, product
from math import gcd, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from dalsegno.ops.distances import distances_to

__all__ = ["NearestForeground", "surface"]

REACH = 2
"""Voxels around each point where foreground is looked for one by one."""

VOXELS_PER_QUERY = 50
"""A query of the tree costs as much as the transform of this many voxels."""

VOXELS_PER_POINT = 8
"""A search around one point costs as much as the transform of this many voxels."""


class NearestForeground:
    """Distances to one foreground; what takes long is done when it is needed, and once.

    Parameters
    ----------
    foreground
        Shape ``(*spatial)``, up to 3D.
    voxel_size
        Size of a voxel per axis, in world units.
    """

    def __init__(self, foreground: NDArray[np.bool_], voxel_size: Sequence[float]) -> None:
        self.foreground = foreground
        self.voxel_size = tuple(map(float, voxel_size))

    def distances(self, points: NDArray[np.integer[Any]]) -> NDArray[np.float64]:
        """Return the Euclidean distance of voxel centres to the centre of the nearest foreground voxel.

        Parameters
        ----------
        points
            Background voxels as positions in the flattened foreground, shape ``(N,)``.

        Returns
        -------
        distances
            In world units, shape ``(N,)``; infinite without any foreground. To a few parts in a million if
            voxel sizes are no whole numbers, otherwise exact up to 2000 voxels.
        """
        if len(points) == 0 or not self.foreground.any():
            return np.full(len(points), np.inf)
        if len(points) * VOXELS_PER_POINT > self.foreground.size:
            return self._transformed(points)
        distances = self._searched(points)
        (left,) = np.nonzero(np.isinf(distances))
        few = len(left) * VOXELS_PER_QUERY < self.foreground.size and "_transform" not in self.__dict__
        distances[left] = (self._queried if few else self._transformed)(points[left])
        return distances

    def _searched(self, points: NDArray[np.integer[Any]]) -> NDArray[np.float64]:
        """Look around each point, nearest voxels first; infinite where there is nothing within reach."""
        padded = np.pad(self.foreground, REACH)
        flat = padded.reshape(-1)
        strides = [stride // padded.itemsize for stride in padded.strides]
        places = np.unravel_index(points, self.foreground.shape)
        positions = np.ravel_multi_index(tuple(place + REACH for place in places), padded.shape)
        distances = np.full(len(points), np.inf)
        left = np.arange(len(points))
        for distance, offsets in self._shells():
            found = np.zeros(len(left), bool)
            for offset in offsets:
                found |= flat.take(positions + np.dot(offset, strides))
            distances[left[found]] = distance
            left, positions = left[~found], positions[~found]
            if not len(left):
                break
        return distances

    def _shells(self) -> Iterator[tuple[float, list[tuple[int, ...]]]]:
        """Yield distances in rising order with all offsets of that length, as far as the reach has all of them."""
        axes = [range(-REACH, REACH + 1) if length > 1 else range(1) for length in self.foreground.shape]
        sizes = [size for size, steps in zip(self.voxel_size, axes, strict=True) if len(steps) > 1]
        beyond = (REACH + 1) * min(sizes, default=0.0)

        def length(offset: tuple[int, ...]) -> float:
            return sqrt(sum((step * size) ** 2 for step, size in zip(offset, self.voxel_size, strict=True)))

        for distance, offsets in groupby(sorted(product(*axes), key=length), key=length):
            if 0 < distance < beyond:
                yield distance, list(offsets)

    def _queried(self, points: NDArray[np.integer[Any]]) -> NDArray[np.float64]:
        places = np.stack(np.unravel_index(points, self.foreground.shape), axis=-1)
        return np.asarray(self._tree.query(places * np.array(self.voxel_size))[0])

    @cached_property
    def _tree(self) -> "cKDTree[None]":
        return cKDTree(surface(self.foreground) * np.array(self.voxel_size), balanced_tree=False, compact_nodes=False)

    def _transformed(self, points: NDArray[np.integer[Any]]) -> NDArray[np.float64]:
        unit = self._unit
        distances: NDArray[np.float64] = self._transform.reshape(-1).take(points).astype(np.float64)
        # squares of whole numbers are whole: up to 2000 voxels, rounding undoes what float32 lost
        return distances if unit is None else np.sqrt(np.rint(distances**2)) * unit

    @cached_property
    def _transform(self) -> NDArray[np.float32]:
        unit = self._unit or 1.0
        return distances_to(self.foreground, [size / unit for size in self.voxel_size])

    @property
    def _unit(self) -> float | None:
        """The largest length of which all edges of a voxel are whole multiples, if they are whole numbers."""
        whole = all(size.is_integer() for size in self.voxel_size)
        return float(gcd(*map(int, self.voxel_size))) if whole else None


def surface(foreground: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the foreground voxels with a neighbour, across a face, that is none; shape ``(N, axes)``.

    What lies beyond the array is no foreground. The nearest foreground voxel of any background voxel is one
    of these: a step from it towards that voxel is nearer.
    """
    padded = np.pad(foreground, 1)
    inside = foreground.copy()
    for axis in range(foreground.ndim):
        for shift in (slice(None, -2), slice(2, None)):
            inside &= padded[tuple(shift if other == axis else slice(1, -1) for other in range(foreground.ndim))]
    return np.argwhere(foreground & ~inside)
