"""Segments of volumes that do not fit into memory."""

import math
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from attrs import frozen
from funlib.geometry import Coordinate, Roi
from numpy.typing import DTypeLike, NDArray
from upath import UPath

from dalsegno.arrays.array import Array
from dalsegno.arrays.zarr_array import ZarrArray
from dalsegno.experiments.tasks.post_processors.block_work import in_parallel, with_channels
from dalsegno.ops.blocks import Index, block_at, block_indices
from dalsegno.ops.expansion import expand_segments
from dalsegno.ops.stitching import joined_numbers, matching_segments
from dalsegno.store.array_store import LocalArrayIdentifier

__all__ = ["BlockwiseSegmentation"]


@frozen
class BlockwiseSegmentation:
    """Segments a prediction in blocks that see some voxels around them, and joins what is cut by their borders.

    Two blocks both see the voxels around their common border, as far as `reach`. Segments that agree there are one
    (see `matching_segments`); so is what hangs together through a chain of blocks. In memory are the blocks in work
    and a table with an entry for each segment of each block.

    Attributes
    ----------
    prediction
        Where there are channels, all of them are read.
    segment
        Makes segments 1 … n of values with axes ``(c, *spatial)``.
    block
        Voxels of a block, at least `reach`.
    context
        Voxels around a block that are segmented with it, at least `reach`.
    reach
        How far apart voxels may be that are joined directly, per axis; across borders perpendicular to an axis with
        0 nothing is joined.
    folder
        For temporary files: the fragments, and what is seen of them from neighbouring blocks.
    """

    prediction: Array
    segment: Callable[[NDArray[Any]], NDArray[Any]]
    block: Coordinate
    context: Coordinate
    reach: Coordinate
    folder: Path

    def run(self, output: Array, min_size: int, expansion: float, num_workers: int) -> None:
        """Write the segments, numbered consecutively; those of fewer voxels than `min_size` become 0.

        The others then grow by `expansion` voxels into the background, along the axes that `reach` spans.
        """
        fragments = self._temporary("fragments", np.uint32)
        numbered = self._temporary("numbered", np.uint64) if expansion else output
        blocks = list(block_indices(self._shape, self.block))
        sizes = in_parallel(lambda index: self._write_fragments(index, fragments), blocks, num_workers)
        starts = dict(zip(blocks, np.cumsum([0, *map(len, sizes)]).tolist(), strict=False))
        counts = dict(zip(blocks, map(len, sizes), strict=True))
        borders = [(index, other) for index in blocks for other in self._neighbours(index) if index < other]

        def matches(border: tuple[Index, Index]) -> NDArray[np.int64]:
            one, other = border
            pairs = matching_segments(np.load(self._seen(one, other)), np.load(self._seen(other, one)))
            own = (pairs[:, 0] <= counts[one]) & (pairs[:, 1] <= counts[other])
            joined: NDArray[np.int64] = pairs[own] - 1 + (starts[one], starts[other])
            return joined

        pairs = np.concatenate([np.zeros((0, 2), np.int64), *in_parallel(matches, borders, num_workers)])
        numbers = joined_numbers(np.concatenate(sizes), pairs, min_size)

        def write_numbers(index: Index) -> None:
            start = starts[index]
            table = np.concatenate([np.zeros(1, np.uint64), numbers[start : start + counts[index]]])
            numbered[self._roi(index)] = table[fragments[self._roi(index)]]

        in_parallel(write_numbers, blocks, num_workers)
        if expansion:
            in_parallel(lambda index: self._write_expanded(index, numbered, output, expansion), blocks, num_workers)

    def _temporary(self, name: str, dtype: DTypeLike) -> ZarrArray:
        return ZarrArray.create_from_array_identifier(
            LocalArrayIdentifier(UPath(self.folder / "segments.zarr"), name),
            self.prediction.spatial_axes,
            self.prediction.roi,
            None,
            self.prediction.voxel_size,
            dtype,
            write_size=self.block * self.prediction.voxel_size,
            units=self.prediction.units,
        )

    def _write_expanded(self, index: Index, numbered: Array, output: Array, expansion: float) -> None:
        margin = Coordinate(math.ceil(expansion) if reach else 0 for reach in self.reach)
        around, own = self._roi(index, margin), self._roi(index)
        expanded = expand_segments(numbered[around], expansion, [bool(reach) for reach in self.reach])
        output[own] = expanded[((own - around.begin) / self.prediction.voxel_size).to_slices()]

    @property
    def _shape(self) -> Coordinate:
        return self.prediction.roi.shape / self.prediction.voxel_size

    def _neighbours(self, index: Index) -> Iterator[Index]:
        """Yield the blocks around one that it may share segments with."""
        for step in product(*((-1, 0, 1) if reach else (0,) for reach in self.reach)):
            other = tuple(position + k for position, k in zip(index, step, strict=True))
            begin = Coordinate(other) * self.block
            if any(step) and all(0 <= position < length for position, length in zip(begin, self._shape, strict=True)):
                yield other

    def _roi(self, index: Index, around: Coordinate | None = None) -> Roi:
        """Return the region of a block with some voxels around it, as far as there is data; world units."""
        block = self.prediction.region(block_at(index, self._shape, self.block))
        if around is None:
            return block
        margin = around * self.prediction.voxel_size
        return block.grow(margin, margin).intersect(self.prediction.roi)

    def _seen(self, index: Index, other: Index) -> Path:
        """Return the file with a block's segments in the region that it and another one compare."""
        return self.folder / f"{'_'.join(map(str, index))}-{'_'.join(map(str, other))}.npy"

    def _write_fragments(self, index: Index, fragments: Array) -> NDArray[np.int64]:
        """Segment a block, numbered from 1, with numbers beyond for what is only around it; return their sizes."""
        around = self._roi(index, self.context)
        labels = self.segment(with_channels(self.prediction, around))

        def part(roi: Roi) -> tuple[slice, ...]:
            return tuple(((roi - around.begin) / self.prediction.voxel_size).to_slices())

        own = part(self._roi(index))
        sizes = np.bincount(labels[own].ravel(), minlength=int(labels.max(initial=0)) + 1)
        sizes[0] = 0
        numbers = np.zeros(len(sizes), np.uint32)
        order = np.concatenate([np.flatnonzero(sizes), 1 + np.flatnonzero(sizes[1:] == 0)])
        numbers[order] = np.arange(1, len(order) + 1)
        labels = numbers[labels]
        fragments[self._roi(index)] = labels[own]
        for other in self._neighbours(index):
            common = self._roi(index, self.reach).intersect(self._roi(other, self.reach))
            np.save(self._seen(index, other), labels[part(common)])
        return sizes[sizes > 0]
