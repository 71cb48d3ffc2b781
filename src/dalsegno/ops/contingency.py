"""How many voxels each segment shares with each true object, as a sparse table.

Labels come in runs: the arrays are compared with themselves shifted by a voxel, and only the first voxel
of each run of equal pairs is looked at. Cost and memory do not depend on how large ids are.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Self

import fastremap
import numpy as np
from attrs import evolve, field, frozen
from numpy.typing import NDArray

__all__ = ["ContingencyTable", "TrueLabels"]

PIECE = 2**19
PAIRS = 2**20


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
        pairs, pair = _positions(segment * max(len(true_ids), 1) + true)
        # floats count voxels exactly up to 2^53
        summed = np.bincount(pair, weights=counts, minlength=len(pairs)).astype(np.int64)
        return cls(segment_ids, true_ids, *np.divmod(pairs, max(len(true_ids), 1)), summed)

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
    """True labels as all segmentations compared with them need them: with small numbers, masked voxels marked.

    Attributes
    ----------
    shape
        Of the labels.
    pieces
        The labels in flat order, piece by piece: the ids of each, and for each voxel the
        position of its id, in the narrowest dtype; ``len(ids)`` where it does not count.
    """

    shape: tuple[int, ...]
    pieces: list[tuple[NDArray[np.integer[Any]], NDArray[np.unsignedinteger[Any]]]] = field(repr=False)

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
        if mask is not None and mask.shape != labels.shape:
            raise ValueError(
                f"the mask has shape {mask.shape}, the labels {labels.shape}; give one value for each voxel"
            )
        inside = None if mask is None else mask.reshape(-1) > 0
        flat = _flat_labels(labels)
        places = [slice(begin, begin + PIECE) for begin in range(0, max(flat.size, 1), PIECE)]
        pieces = [_relabelled(flat[place], None if inside is None else inside[place]) for place in places]
        return cls(labels.shape, pieces)

    def tables(self, segmentation: NDArray[Any]) -> Iterator[ContingencyTable]:
        """Yield the table of each piece of a segmentation of the same shape.

        Raises
        ------
        ValueError
            If the shapes differ, or the segments are no integers.
        """
        if segmentation.shape != self.shape:
            raise ValueError(
                f"the segmentation has shape {segmentation.shape}, the truth {self.shape}; give the same region of both"
            )
        flat = _flat_labels(segmentation)
        for number, (ids, truths) in enumerate(self.pieces):
            segments = flat[number * PIECE :][: len(truths)]
            starts = _run_starts(segments, truths)
            truth, lengths = truths[starts], np.diff(starts, append=len(truths))
            counted = truth < len(ids)
            table = ContingencyTable.of_pairs(segments[starts[counted]], truth[counted], lengths[counted])
            yield evolve(table, true_ids=ids[table.true_ids])


def _relabelled(labels: NDArray[Any], inside: NDArray[np.bool_] | None) -> tuple[NDArray[Any], NDArray[Any]]:
    starts = _run_starts(labels)
    ids, position = _positions(labels[starts])
    positions = np.repeat(position.astype(np.min_scalar_type(len(ids))), np.diff(starts, append=len(labels)))
    if inside is not None:
        positions[~inside] = len(ids)
    return ids, positions


def _run_starts(*labels: NDArray[Any]) -> NDArray[np.int64]:
    """Return where the first voxel of each run is, in flat arrays of one size."""
    changes = np.zeros(len(labels[0]), bool)
    changes[:1] = True
    for each in labels:
        changes[1:] |= each[1:] != each[:-1]
    return np.flatnonzero(changes)


def _flat_labels(labels: NDArray[Any]) -> NDArray[Any]:
    if labels.dtype.kind not in "iub":
        raise ValueError(f"labels have dtype {labels.dtype}, but ids are integers; round or threshold them first")
    flat = labels.reshape(-1)
    return flat.view(np.uint8) if flat.dtype.kind == "b" else flat


def _positions(ids: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return the ids that occur, and the position of each among them."""
    sample = ids[::16]
    if 2 * len(np.unique(sample)) > len(sample):
        # hashing is ten times as fast as sorting where ids repeat, and slower where each is another
        return np.unique(ids, return_inverse=True)
    # narrow types would have no number for the last of their values
    wide = ids.astype(np.int64) if ids.dtype.itemsize < 4 else ids
    numbers, _ = fastremap.renumber(wide, preserve_zero=False)
    position = numbers.astype(np.int64) - 1
    found = np.empty(position.max(initial=-1) + 1, ids.dtype)
    found[position] = ids
    return found, position


def _sums(positions: NDArray[np.integer[Any]], counts: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    return np.bincount(positions, weights=counts, minlength=size).astype(np.int64)
