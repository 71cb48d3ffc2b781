"""How many voxels each segment shares with each true object, as a sparse table.

Labels come in runs: the arrays are compared with themselves shifted by a voxel, and only the first voxel
of each run of equal pairs is looked at. Cost and memory do not depend on how large ids are.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Self

import fastremap
import numpy as np
from attrs import evolve, frozen
from numpy.typing import NDArray

__all__ = ["ContingencyTable", "TrueLabels"]

PIECE = 2**18
"""Voxels that are looked at together: what is made of them stays small."""

PAIRS = 2**20
"""Pairs that may wait to be added up."""

DENSE = 8
"""A table of all pairs is filled in if it has at most this many cells for each run."""


@frozen(eq=False)
class ContingencyTable:
    """Voxels that segments and true objects share; pairs that share none are left out.

    Attributes
    ----------
    segment_ids, true_ids
        Ids of the segments, and of the true objects; each once, in any order.
    segments, truths
        For each pair the position of its ids in these.
    counts
        For each pair the number of voxels, int64.
    """

    segment_ids: NDArray[np.integer[Any]]
    true_ids: NDArray[np.integer[Any]]
    segments: NDArray[np.integer[Any]]
    truths: NDArray[np.integer[Any]]
    counts: NDArray[np.int64]

    @classmethod
    def of(
        cls, segmentation: NDArray[Any], truth: "NDArray[Any] | TrueLabels", mask: NDArray[np.bool_] | None = None
    ) -> Self:
        """Count the voxels of each pair.

        Parameters
        ----------
        segmentation
            Integers of any size, shape ``(*spatial)``.
        truth
            Labels of the same shape; or those that were prepared for several segmentations, with their mask.
        mask
            Voxels that count, same shape; all of them without one.

        Raises
        ------
        ValueError
            If shapes differ or labels are no integers.
        """
        prepared = truth if isinstance(truth, TrueLabels) else TrueLabels.of(truth, mask)
        return cls.total(prepared.tables(segmentation))

    @classmethod
    def total(cls, tables: "Iterable[ContingencyTable]") -> Self:
        """Return the table of all voxels that several tables count, such as those of blocks; few are kept at a time.

        Raises
        ------
        ValueError
            If there is no table.
        """
        parts: list[ContingencyTable] = []
        num_pairs, limit = 0, PAIRS
        for table in tables:
            parts.append(table)
            num_pairs += len(table.counts)
            if num_pairs > limit:
                parts = [cls._joined(parts)]
                num_pairs = len(parts[0].counts)
                limit = 2 * num_pairs + PAIRS
        if not parts:
            raise ValueError("there are no tables to add up; count at least one block")
        return cls._joined(parts)

    @classmethod
    def of_pairs(cls, segments: NDArray[Any], truths: NDArray[Any], counts: NDArray[np.integer[Any]]) -> Self:
        """Return the table of pairs of ids, in any order and repeated, with the voxels of each; shapes ``(n,)``."""
        segment_ids, segment = _positions(segments)
        true_ids, true = _positions(truths)
        width = max(len(true_ids), 1)
        keys = segment * np.int64(width)
        keys += true
        # floats count voxels exactly up to 2^53
        if len(segment_ids) * width <= DENSE * len(keys):
            summed = np.bincount(keys, weights=counts)
            pairs = np.flatnonzero(summed > 0)
            summed = summed[pairs]
        else:
            pairs, position = _positions(keys)
            summed = np.bincount(position, weights=counts)
        return cls(segment_ids, true_ids, *np.divmod(pairs, width), summed.astype(np.int64))

    @classmethod
    def _joined(cls, parts: "list[ContingencyTable]") -> Self:
        return cls.of_pairs(
            np.concatenate([part.segment_ids[part.segments] for part in parts]),
            np.concatenate([part.true_ids[part.truths] for part in parts]),
            np.concatenate([part.counts for part in parts]),
        )

    @property
    def segment_sizes(self) -> NDArray[np.int64]:
        """Voxels of each segment, shape ``(len(segment_ids),)``."""
        return _sums(self.segments, self.counts, len(self.segment_ids))

    @property
    def true_sizes(self) -> NDArray[np.int64]:
        """Voxels of each true object, shape ``(len(true_ids),)``."""
        return _sums(self.truths, self.counts, len(self.true_ids))

    def without_true(self, label: int) -> Self:
        """Return the table without the voxels of a true object; its segments stay, some without voxels."""
        kept = self.true_ids[self.truths] != label
        return evolve(self, segments=self.segments[kept], truths=self.truths[kept], counts=self.counts[kept])


@frozen(eq=False)
class TrueLabels:
    """True labels, and where their runs begin, for all segmentations that are compared with them.

    Attributes
    ----------
    labels
        Integers of any size, shape ``(*spatial)``.
    mask
        Voxels that count, same shape; None for all of them.
    starts
        For each voxel whether it differs from the one before, in flat order, piece by piece.
    """

    labels: NDArray[np.integer[Any]]
    mask: NDArray[np.bool_] | None
    starts: list[NDArray[np.bool_]]

    @classmethod
    def of(cls, labels: NDArray[Any], mask: NDArray[np.bool_] | None = None) -> Self:
        """Prepare labels for comparisons.

        Parameters
        ----------
        labels
            Integers of any size, shape ``(*spatial)``.
        mask
            Voxels that count, same shape; all of them without one.

        Raises
        ------
        ValueError
            If the mask has another shape, or the labels are no integers.
        """
        _check_integers(labels)
        starts = [_changes(piece) for piece in _pieces(labels)]
        if mask is not None:
            if mask.shape != labels.shape:
                raise ValueError(
                    f"the mask has shape {mask.shape}, the labels {labels.shape}; give one value for each voxel"
                )
            mask = mask.astype(bool, copy=False)
            starts = [start | _changes(piece) for start, piece in zip(starts, _pieces(mask), strict=True)]
        return cls(labels, mask, starts)

    def tables(self, segmentation: NDArray[Any]) -> Iterator[ContingencyTable]:
        """Yield the table of each piece of a segmentation of the same shape.

        Raises
        ------
        ValueError
            If the shapes differ, or the segments are no integers.
        """
        _check_integers(segmentation)
        if segmentation.shape != self.labels.shape:
            raise ValueError(
                f"the segmentation has shape {segmentation.shape}, the truth {self.labels.shape}; give the same region "
                "of both"
            )
        masks = _pieces(self.mask) if self.mask is not None else [None] * len(self.starts)
        pieces = zip(_pieces(segmentation), _pieces(self.labels), masks, self.starts, strict=True)
        for segments, truths, mask, starts in pieces:
            first = np.flatnonzero(starts | _changes(segments))
            lengths = np.diff(first, append=len(segments))
            if mask is not None:
                counted = mask[first]
                first, lengths = first[counted], lengths[counted]
            yield ContingencyTable.of_pairs(segments[first], truths[first], lengths)


def _pieces(array: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Yield slabs of an array in flat order: what is made of one stays in the processor's cache."""
    rows = max(PIECE * len(array) // max(array.size, 1), 1)
    return (array[begin : begin + rows].reshape(-1) for begin in range(0, max(len(array), 1), rows))


def _changes(labels: NDArray[Any]) -> NDArray[np.bool_]:
    """Return where a flat array differs from the voxel before; True for the first."""
    changes = np.empty(len(labels), bool)
    changes[:1] = True
    np.not_equal(labels[1:], labels[:-1], out=changes[1:])
    return changes


def _check_integers(labels: NDArray[Any]) -> None:
    if labels.dtype.kind not in "iub":
        raise ValueError(f"labels have dtype {labels.dtype}, but ids are integers; round or threshold them first")


def _positions(ids: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.integer[Any]]]:
    """Return the ids that occur, and the position of each among them."""
    sample = ids[::16]
    if 2 * len(np.unique(sample)) > len(sample):
        # hashing is ten times as fast as sorting where ids repeat, and slower where each is another
        return np.unique(ids, return_inverse=True)
    # narrow types would have no number for the last of their values
    wide = ids.astype(np.int64) if ids.dtype.itemsize < 4 else ids
    numbers, mapping = fastremap.renumber(wide, preserve_zero=False)
    position = numbers.astype(np.uint32)
    position -= 1
    found = np.empty(len(mapping), ids.dtype)
    found[position] = ids
    return found, position


def _sums(positions: NDArray[np.integer[Any]], counts: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    return np.bincount(positions, weights=counts, minlength=size).astype(np.int64)
