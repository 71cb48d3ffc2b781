"""Segments from affinities, those that attract and those that repel, without seeds or thresholds."""

from collections.abc import Iterator, Sequence
from typing import Any

import fastremap
import numpy as np
from numpy.typing import NDArray

from dalsegno.ops.signed_graph import Edges, clusters, roots

__all__ = ["mutex_watershed"]

_SHARES = (0.7, 0.4)  # of the attractive edges that come later than the first and the second band
_LARGEST = np.uint64(2**32 - 1)


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
        If there are 2**32 affinities or more.
    """
    if affinities.size > _LARGEST:
        raise ValueError(
            f"{affinities.size} affinities are too many to be numbered with 32 bits; segment the volume block by block"
        )
    grid = _Grid(affinities, offsets, bias)
    foreground, segments = _joined_to_strongest(grid)
    above, repulsive = np.float32(np.inf), Edges.joined([])
    for lowest in _bands(grid):
        attractive, new = _edges(grid, segments, foreground, lowest, above)
        repulsive = Edges.joined([repulsive.between(segments), new])
        segments = _merged(segments, attractive, repulsive)
        above = lowest
    labels = np.where(foreground, segments + 1, 0).astype(np.uint32).reshape(affinities.shape[1:])
    renumbered: NDArray[np.uint32] = fastremap.renumber(labels, in_place=True)[0].astype(np.uint32, copy=False)
    return renumbered


class _Grid:
    """Affinities as edges between voxels; voxels and edges are numbered in C order."""

    def __init__(self, affinities: NDArray[Any], offsets: Sequence[Sequence[int]], bias: float) -> None:
        self.affinities = affinities
        self.offsets = [tuple(map(int, offset)) for offset in offsets]
        self.bias = np.float32(bias)
        self.shape = affinities.shape[1:]
        self.num_voxels = int(np.prod(self.shape))
        self.voxels = np.arange(self.num_voxels, dtype=np.uint64).reshape(self.shape)

    def channels(self) -> Iterator[tuple[tuple[slice, ...], tuple[slice, ...], NDArray[np.float32], NDArray[Any]]]:
        """Yield where either end of the edges of an offset is, affinity - bias, and the numbers of the edges."""
        for number, offset in enumerate(self.offsets):
            here = tuple(slice(max(0, -k), max(0, n - max(0, k))) for k, n in zip(offset, self.shape, strict=True))
            there = tuple(slice(max(0, k), max(0, n + min(0, k))) for k, n in zip(offset, self.shape, strict=True))
            weights = np.subtract(self.affinities[number][here], self.bias, dtype=np.float32, casting="same_kind")
            yield here, there, weights, self.voxels[here] + np.uint64(number * self.num_voxels)

    def ends(self, edges: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the voxels at both ends of edges."""
        steps = np.array(self.offsets, np.int64) @ np.cumprod((1, *self.shape[:0:-1]))[::-1]
        channel, here = np.divmod(edges, self.num_voxels)
        return here, here + steps[channel]


def _keys(weights: NDArray[np.float32], edges: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return keys in the order of the weights, which are not negative, and for equal ones of the edges."""
    # the bits of positive floats have the order of the floats
    keys = weights.view(np.uint32).astype(np.uint64)
    keys <<= np.uint64(32)
    keys |= _LARGEST - edges
    return keys


def _joined_to_strongest(grid: _Grid) -> tuple[NDArray[np.bool_], NDArray[np.int32]]:
    """Return which voxels anything attracts, and each voxel's segment after the strongest edges have joined them."""
    best, repulsion = np.zeros(grid.shape, np.uint64), np.zeros(grid.shape, np.float32)
    for here, there, weights, edges in grid.channels():
        keys = _keys(np.maximum(weights, 0), edges)
        np.negative(weights, out=weights)
        for end in (here, there):
            np.maximum(best[end], keys, out=best[end])
            np.maximum(repulsion[end], weights, out=repulsion[end])
    attraction = (best.ravel() >> np.uint64(32)).astype(np.uint32).view(np.float32)
    joined = np.flatnonzero(attraction > repulsion.ravel())
    one, other = grid.ends((_LARGEST - (best.ravel()[joined] & _LARGEST)).astype(np.int64))
    parents = np.arange(grid.num_voxels, dtype=np.int32)
    parents[joined] = one + other - joined
    mutual = joined[(parents[parents[joined]] == joined) & (joined < parents[joined])]
    parents[mutual] = mutual
    return attraction > 0, roots(parents)


def _bands(grid: _Grid) -> list[np.float32]:
    """Return the least strength of each band of edges; the last is 0."""
    sample = grid.affinities.reshape(len(grid.affinities), -1)[:, ::97].astype(np.float32) - grid.bias
    attractive = sample[sample > 0]
    lowest = np.quantile(attractive, _SHARES) if attractive.size else np.zeros(1)
    return sorted({*lowest.astype(np.float32), np.float32(0)}, reverse=True)


def _edges(
    grid: _Grid, segments: NDArray[np.int32], foreground: NDArray[np.bool_], lowest: np.float32, above: np.float32
) -> tuple[Edges, Edges]:
    """Return the attractive and the repulsive edges of a band between different segments."""
    labels, inside = segments.reshape(grid.shape), foreground.reshape(grid.shape)
    attractive, repulsive = [], []
    for here, there, weights, edges in grid.channels():
        strength = np.abs(weights)
        wanted = (strength >= lowest) & (strength < above) & (labels[here] != labels[there])
        wanted &= inside[here] & inside[there]
        found = Edges(labels[here][wanted], labels[there][wanted], _keys(strength[wanted], edges[wanted]))
        attracts = weights[wanted] > 0
        attractive.append(found.of(attracts))
        repulsive.append(found.of(~attracts))
    return Edges.joined(attractive), Edges.joined(repulsive)


def _merged(segments: NDArray[np.int32], attractive: Edges, repulsive: Edges) -> NDArray[np.int32]:
    """Return the segments of all voxels after those of some edges have been clustered."""
    nodes = attractive.nodes(len(segments))
    place = np.full(len(segments), -1, np.int32)
    place[nodes] = np.arange(len(nodes), dtype=np.int32)
    segments = segments.copy()
    segments[nodes] = nodes[clusters(len(nodes), attractive.between(place), repulsive.between(place))]
    return roots(segments)
