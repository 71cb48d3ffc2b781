"""Scores of binary segmentations that are read block by block, the same as of the whole."""

from collections.abc import Callable, Sequence

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from dalsegno.ops.binary_counts import BinaryCounts, ErrorDistances, distance_scores, overlap_scores
from dalsegno.ops.binary_metrics import inside
from dalsegno.ops.blocks import Box, blocks
from dalsegno.ops.far_foreground import FarForeground
from dalsegno.ops.nearest_foreground import NearestForeground

__all__ = ["Pair", "Read", "blockwise_scores"]

HALO = 16
"""Voxels around a block in which the nearest foreground is looked for first, at most."""


@frozen(eq=False)
class Pair:
    """A part of a segmentation and of the truth; all of shape ``(*spatial)``, the mask None for all voxels."""

    test: NDArray[np.bool_]
    truth: NDArray[np.bool_]
    mask: NDArray[np.bool_] | None = None


Read = Callable[[Box], Sequence[Pair]]
"""Returns the pair of each channel in a box of voxels."""


def blockwise_scores(
    read: Read,
    shape: Sequence[int],
    voxel_size: Sequence[float],
    block: Sequence[int],
    *,
    clip_distance: float,
    tol_distance: float,
) -> list[dict[str, float]]:
    """Return all criteria of each channel; memory grows with the blocks, not with the volume.

    Most errors have foreground nearby, and it is in the same block or in a halo around it. For the others
    the surfaces of other blocks are searched, nearest blocks first.

    Parameters
    ----------
    read
        Reads any box of voxels within the volume.
    shape
        Voxels of the volume per axis, up to three.
    voxel_size
        Voxel size per axis, in world units.
    block
        Voxels of a block per axis.
    clip_distance, tol_distance
        As for `binary_scores`.

    Returns
    -------
    scores
        Value by criterion for each channel, as `binary_scores` returns them.
    """
    boxes = list(blocks(shape, block))
    channels: list[_Channel] = []
    for box in boxes:
        grown = tuple(
            slice(max(part.start - halo, 0), min(part.stop + halo, length))
            for part, halo, length in zip(box, (min(HALO, edge // 4) for edge in block), shape, strict=True)
        )
        pairs = read(grown)
        channels = channels or [
            _Channel(position, read, boxes, voxel_size, (clip_distance, tol_distance)) for position in range(len(pairs))
        ]
        for channel, pair in zip(channels, pairs, strict=True):
            channel.add(pair, box, grown, shape)
    return [
        overlap_scores(each.counts) | distance_scores(each.counts, each.positive, each.negative) for each in channels
    ]


class _Channel:
    """What is known of one channel after some blocks."""

    def __init__(
        self,
        position: int,
        read: Read,
        boxes: Sequence[Box],
        voxel_size: Sequence[float],
        clip_and_tolerance: tuple[float, float],
    ) -> None:
        def side(name: str) -> FarForeground:
            def foreground(block: int) -> NDArray[np.bool_]:
                pair = read(boxes[block])[position]
                return inside(getattr(pair, name), pair.mask)

            return FarForeground(boxes, voxel_size, foreground)

        self.counts, self.positive, self.negative = BinaryCounts(), ErrorDistances(), ErrorDistances()
        self._voxel_size = voxel_size
        self._limits = clip_and_tolerance
        self._far_test, self._far_truth = side("test"), side("truth")

    def add(self, pair: Pair, box: Box, grown: Box, shape: Sequence[int]) -> None:
        """Count a block, of which a larger part is known."""
        test, truth = inside(pair.test, pair.mask), inside(pair.truth, pair.mask)
        own = tuple(slice(a.start - b.start, a.stop - b.start) for a, b in zip(box, grown, strict=True))
        self.counts += BinaryCounts.of(test[own], truth[own], None if pair.mask is None else pair.mask[own])
        around = _Surroundings(own, grown, shape, self._voxel_size)
        self.positive += ErrorDistances.of(around.distances(test, truth, self._far_truth), *self._limits)
        self.negative += ErrorDistances.of(around.distances(truth, test, self._far_test), *self._limits)


@frozen(eq=False)
class _Surroundings:
    """A block within the larger part of the volume that was read."""

    own: Box
    grown: Box
    shape: Sequence[int]
    voxel_size: Sequence[float]

    def distances(
        self, segmented: NDArray[np.bool_], other: NDArray[np.bool_], far: FarForeground
    ) -> NDArray[np.float64]:
        """Return the distances to the other foreground of what is only segmented here."""
        only = np.zeros(other.shape, bool)
        np.greater(segmented[self.own], other[self.own], out=only[self.own])
        points = np.flatnonzero(only)
        distances = NearestForeground(other, self.voxel_size).distances(points)
        places = np.stack(np.unravel_index(points, other.shape), axis=-1)
        open_ = distances > self._unseen(places)
        begin = [part.start for part in self.grown]
        distances[open_] = far.nearer(places[open_] + begin, distances[open_])
        return distances

    def _unseen(self, places: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return how far the nearest voxel is that was not read; infinite where the volume ends."""
        nearest = np.full(len(places), np.inf)
        for axis, (part, length, size) in enumerate(zip(self.grown, self.shape, self.voxel_size, strict=True)):
            if part.start > 0:
                np.minimum(nearest, (places[:, axis] + 1) * size, out=nearest)
            if part.stop < length:
                np.minimum(nearest, (part.stop - part.start - places[:, axis]) * size, out=nearest)
        return nearest
