"""Variation of information between two segmentations."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["conditional_entropies", "variation_of_information"]


def variation_of_information(table: NDArray[Any]) -> tuple[float, float]:
    """Return the two conditional entropies that make up the variation of information.

    After Meila, "Comparing clusterings: an information based distance" (2007).

    Parameters
    ----------
    table
        Contingency table: voxels in segment i of the segmentation and segment j of the truth.

    Returns
    -------
    split, merge
        In bits: what is unknown about the segment when the true one is known (true segments are split),
        and the other way round (true segments are merged). Both 0 for an empty table.
    """
    return conditional_entropies(table, table.sum(axis=1), table.sum(axis=0))


def conditional_entropies(
    counts: NDArray[Any], segment_sizes: NDArray[Any], true_sizes: NDArray[Any]
) -> tuple[float, float]:
    """Return split and merge as `variation_of_information` does, for tables that hold only some pairs.

    Parameters
    ----------
    counts
        Voxels of each pair of a segment and a true segment, any shape; pairs without voxels may be left out.
    segment_sizes, true_sizes
        Voxels of each segment, and of each true one, that are part of the pairs.
    """
    joint = _entropy(counts)
    # the difference of nearly equal entropies may round below zero
    return max(joint - _entropy(true_sizes), 0.0), max(joint - _entropy(segment_sizes), 0.0)


def _entropy(counts: NDArray[Any]) -> float:
    positive = counts[counts > 0]
    shares = positive / positive.sum()
    return float(-(shares * np.log2(shares)).sum())
