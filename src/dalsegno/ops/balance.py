"""Weights that make every class count the same, whatever share of the voxels it has."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

__all__ = ["ClassCounts", "balance_weights"]


@frozen
class ClassCounts:
    """How often each class was seen in each channel, over all batches so far.

    Attributes
    ----------
    counts
        One row for each channel, one number for each class.
    """

    counts: tuple[tuple[int, ...], ...]

    def to_list(self) -> list[list[int]]:
        """Return the counts as plain lists, for a checkpoint."""
        return [list(row) for row in self.counts]

    @classmethod
    def from_list(cls, counts: Sequence[Sequence[int]]) -> Self:
        """Return the counts that `to_list` wrote down."""
        return cls(tuple(tuple(map(int, row)) for row in counts))


def balance_weights(
    labels: NDArray[Any],
    mask: NDArray[Any],
    counts: ClassCounts | None,
    *,
    num_classes: int = 2,
    clipmin: float = 0.05,
    clipmax: float = 0.95,
) -> tuple[NDArray[np.float32], ClassCounts]:
    """Weight voxels by the inverse of the share that their class has had so far.

    In each channel a voxel of class k gets ``1 / num_classes / clip(share of k, clipmin, clipmax)``
    times its mask. Shares are counted inside the mask, over this batch and all before it, so that they
    settle while a training runs.

    Parameters
    ----------
    labels
        Classes 0 … num_classes - 1, shape ``(B, C, *spatial)``.
    mask
        Same shape, 0 or 1.
    counts
        Counts of the batches before this one; None for the first.
    num_classes
        Number of classes.
    clipmin, clipmax
        Bounds on the share of a class, which bound its weight.

    Returns
    -------
    weights, counts
        Weights of the shape of `labels`, and the counts with this batch. The arguments stay as they are.

    Raises
    ------
    ValueError
        If the shapes differ, or a label inside the mask is no class.
    """
    if labels.shape != mask.shape:
        raise ValueError(
            f"labels have shape {labels.shape}, the mask {mask.shape}: each voxel needs its own mask value"
        )
    inside = mask > 0
    by_channel = _by_channel(labels, inside)
    seen = np.array([[np.count_nonzero((c == k) & m) for k in range(num_classes)] for c, m in by_channel], np.int64)
    if seen.sum() < np.count_nonzero(inside):
        outside = np.setdiff1d(labels[inside], np.arange(num_classes))
        raise ValueError(f"labels hold {outside[:5].tolist()}, but classes are 0 … {num_classes - 1}")
    if counts is not None:
        seen = seen + np.array(counts.counts, dtype=np.int64)
    shares = seen / np.maximum(seen.sum(axis=1, keepdims=True), 1)
    class_weights = (1 / num_classes / np.clip(shares, clipmin, clipmax)).astype(np.float32)
    weights = np.empty(labels.shape, np.float32)
    for row, (c, w) in zip(class_weights, _by_channel(labels, weights), strict=True):
        w[...] = row[0]
        for k in range(1, num_classes):
            np.copyto(w, row[k], where=c == k)
    weights *= mask
    return weights, ClassCounts.from_list(seen.tolist())


def _by_channel(*arrays: NDArray[Any]) -> "zip[tuple[NDArray[Any], ...]]":
    return zip(*(np.moveaxis(array, 1, 0) for array in arrays), strict=True)
