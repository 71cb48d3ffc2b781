"""How far voxels are from foreground that lies in other blocks of a volume too large for memory."""

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from dalsegno.ops.blocks import Box
from dalsegno.ops.nearest_foreground import surface

__all__ = ["FarForeground"]

TREES = 16
"""Blocks whose surface is kept in memory."""

QUERY = 2**20
"""Points that are looked up at a time."""


class FarForeground:
    """Finds the nearest foreground block by block, nearest blocks first, as long as one could be nearer.

    Parameters
    ----------
    blocks
        Cover the volume.
    voxel_size
        Voxel size per axis, in world units.
    read
        Returns the foreground of the block at a position.
    """

    def __init__(
        self, blocks: Sequence[Box], voxel_size: Sequence[float], read: Callable[[int], NDArray[np.bool_]]
    ) -> None:
        self._voxel_size = np.array(voxel_size, float)
        self._begins = np.array([[part.start for part in box] for box in blocks]) * self._voxel_size
        self._ends = np.array([[part.stop - 1 for part in box] for box in blocks]) * self._voxel_size
        self._read = read
        self._tree = lru_cache(TREES)(self._grow)
        self._empty: set[int] = set()

    def nearer(self, places: NDArray[np.int64], distances: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the distances to the nearest foreground, never more than those known.

        Parameters
        ----------
        places
            Voxels of the volume, shape ``(N, axes)``.
        distances
            Distance of each to foreground that is known, infinite for none; world units, shape ``(N,)``.
        """
        parts = np.array_split(np.arange(len(places)), -(-len(places) // QUERY) or 1)
        return np.concatenate([self._nearer(places[part] * self._voxel_size, distances[part]) for part in parts])

    def _nearer(self, points: NDArray[np.float64], known: NDArray[np.float64]) -> NDArray[np.float64]:
        if not len(points):
            return known
        best = known.copy()
        apart = _length(np.maximum(self._begins - points.max(axis=0), points.min(axis=0) - self._ends))
        for block in np.argsort(apart, kind="stable").tolist():
            if apart[block] >= best.max():
                break
            if block in self._empty:
                continue
            (open_,) = np.nonzero(self._gap(points, block) < best)
            tree = self._tree(block) if len(open_) else None
            if tree is not None:
                best[open_] = np.minimum(best[open_], tree.query(points[open_])[0])
        return best

    def _gap(self, points: NDArray[np.float64], block: int) -> NDArray[np.float64]:
        """Return how far points are from a block."""
        return _length(np.maximum(self._begins[block] - points, points - self._ends[block]))

    def _grow(self, block: int) -> "cKDTree[None] | None":
        foreground = self._read(block)
        if not foreground.any():
            self._empty.add(block)
            return None
        return cKDTree(
            surface(foreground) * self._voxel_size + self._begins[block], balanced_tree=False, compact_nodes=False
        )


def _length(gaps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the length of vectors whose components below 0 count as 0."""
    length: NDArray[np.float64] = np.sqrt((np.maximum(gaps, 0) ** 2).sum(axis=-1))
    return length
