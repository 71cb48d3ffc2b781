"""Segments from affinities, those that attract and those that repel, without seeds or thresholds."""

from collections.abc import Iterator, Sequence
from typing import Any

import fastremap
import numpy as np
from numpy.typing import NDArray

from dalsegno.ops.signed_graph import Edges, clusters, roots

__all__ = ["mutex_watershed"]

_SHARES = (0.7, 0.4)  # of the attractive edges that come later than the first and the second band
_LARGEST = 2**32 - 1


def mutex_watershed(affinities: NDArray[Any], offsets: Sequence[Sequence[int]], bias: float) -> NDArray[np.uint32]:
    """Return the mutex watershed of affinities.

    Two voxels with an affinity above the bias attract each other, with one below it repel each other. Pairs are
    taken in the order of ``abs(affinity - bias)``, the largest first, and of their place in `affinities`: those that
    attract join the segments of both unless these exclude each other, those that repel make them exclude each other.
    After Wolf et al., "The mutex watershed and its objective: efficient, parameter-free graph partitioning" (2020).

    That is what comes out; it is made in larger steps (see `clusters`). A voxel that nothing attracts is background,
    and its edges are left out. Each voxel is joined to the one that it has the strongest of all its edges to, if that
    attracts. What is left are far fewer segments and edges; these are taken in a few bands, strong edges first, since
    most of the others then lie within a segment.

    Parameters
    ----------
    affinities
        Shape ``(E, *spatial)``: at x, how much x and ``x + offset`` belong together; compared as float32.
    offsets
        E offsets in voxels, other than 0.
    bias
        What divides attraction from repulsion.

    Returns
    -------
    segments
        Shape ``(*spatial)``, 1 … n in the order of their first voxels; 0 is background.

    Raises
    ------
    ValueError
        If there are 2**32 affinities or 2**31 voxels, or more.
    """
    if affinities.size > _LARGEST or affinities[0].size > np.iinfo(np.int32).max:
        raise ValueError(
            f"{affinities.size} affinities are too many to be numbered with 32 bits; segment the volume block by block"
        )
    grid = _Grid(affinities, offsets, bias)
    foreground, segments = _joined_to_strongest(grid)
    strongest, repulsive = np.float32(np.inf), Edges.joined([])
    for weakest in _bands(grid):
        attractive, more = _edges(grid, segments, foreground, weakest, strongest)
        repulsive = Edges.joined([repulsive.between(segments), *more])
        segments = clusters(grid.num_voxels, Edges.joined(attractive), repulsive)[segments]
        strongest = weakest
    labels = np.where(foreground, segments + 1, 0).astype(np.uint32).reshape(affinities.shape[1:])
    renumbered: NDArray[np.uint32] = fastremap.renumber(labels, in_place=True)[0].astype(np.uint32, copy=False)
    return renumbered


class _Grid:
    """Affinities as edges between voxels; voxels and edges are numbered in C order."""

    def __init__(self, affinities: NDArray[Any], offsets: Sequence[Sequence[int]], bias: float) -> None:
        self.affinities = affinities
        self.offsets = [tuple(map(int, offset)) for offset in offsets]
        self.bias = np.float32(bias)
        self.num_voxels = int(np.prod(affinities.shape[1:]))
        strides = np.cumprod((1, *affinities.shape[:1:-1]))[::-1]
        self.steps: list[int] = (np.array(self.offsets, np.int64) @ strides).tolist()

    def channels(self) -> Iterator[tuple[slice, slice, NDArray[np.float32], int]]:
        """Yield where either end of the edges of an offset is, affinity - bias, and the number of the first edge.

        Voxels that have no other end at this offset have one elsewhere, and 0 instead of affinity - bias.
        """
        for number, (offset, step) in enumerate(zip(self.offsets, self.steps, strict=True)):
            weights = np.subtract(self.affinities[number], self.bias, dtype=np.float32, casting="same_kind")
            for axis, along in enumerate(offset):
                beyond = slice(-along, None) if along > 0 else slice(0, -along)
                weights[(slice(None),) * axis + (beyond,)] = 0
            here = slice(max(0, -step), max(0, self.num_voxels - max(0, step)))
            there = slice(max(0, step), max(0, self.num_voxels + min(0, step)))
            yield here, there, weights.ravel()[here], number * self.num_voxels + here.start

    def ends(self, edges: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the voxels at both ends of edges."""
        channel, here = np.divmod(edges, self.num_voxels)
        return here, here + np.array(self.steps)[channel]


def _keys(weights: NDArray[np.float32], edges: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return keys in the order of the weights, which are not negative, and for equal ones of the edges."""
    # the bits of positive floats have the order of the floats
    keys = weights.view(np.uint32).astype(np.uint64)
    keys <<= np.uint64(32)
    keys |= (_LARGEST - edges).view(np.uint64)
    return keys


def _joined_to_strongest(grid: _Grid) -> tuple[NDArray[np.bool_], NDArray[np.int32]]:
    """Return which voxels anything attracts, and each voxel's segment after the strongest edges have joined them."""
    best, repulsion = np.zeros(grid.num_voxels, np.uint64), np.zeros(grid.num_voxels, np.float32)
    for here, there, weights, first in grid.channels():
        keys = _keys(np.maximum(weights, 0), np.arange(first, first + len(weights)))
        np.negative(weights, out=weights)
        for end in (here, there):
            np.maximum(best[end], keys, out=best[end])
            np.maximum(repulsion[end], weights, out=repulsion[end])
    attraction = (best >> np.uint64(32)).astype(np.uint32).view(np.float32)
    joined = np.flatnonzero(attraction > repulsion)
    one, other = grid.ends(_LARGEST - (best[joined] & np.uint64(_LARGEST)).view(np.int64))
    parents = np.arange(grid.num_voxels, dtype=np.int32)
    parents[joined] = one + other - joined
    mutual = joined[(parents[parents[joined]] == joined) & (joined < parents[joined])]
    parents[mutual] = mutual
    return attraction > 0, roots(parents)


def _bands(grid: _Grid) -> list[np.float32]:
    """Return what the edges of each band are stronger than; the last is 0."""
    sample = grid.affinities.reshape(len(grid.affinities), -1)[:, ::97].astype(np.float32) - grid.bias
    attractive = sample[sample > 0]
    limits = np.quantile(attractive, _SHARES) if attractive.size else np.zeros(1)
    return sorted({*limits.astype(np.float32), np.float32(0)}, reverse=True)


def _edges(
    grid: _Grid, segments: NDArray[np.int32], foreground: NDArray[np.bool_], weakest: np.float32, strongest: np.float32
) -> tuple[list[Edges], list[Edges]]:
    """Return the attractive and the repulsive edges of a band between different segments, for each offset."""
    attractive, repulsive = [], []
    for here, there, weights, first in grid.channels():
        strength = np.abs(weights)
        wanted = (strength > weakest) & (strength <= strongest) & (segments[here] != segments[there])
        found = np.flatnonzero(wanted & foreground[here] & foreground[there])
        edges = Edges(segments[here][found], segments[there][found], _keys(strength[found], found + first))
        attracts = weights[found] > 0
        attractive.append(edges.of(np.flatnonzero(attracts)))
        repulsive.append(edges.of(np.flatnonzero(~attracts)))
    return attractive, repulsive
