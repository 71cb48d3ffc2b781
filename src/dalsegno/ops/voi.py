"""Variation of information between two segmentations."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["variation_of_information"]


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
    total = table.sum()
    if total == 0:
        return 0.0, 0.0
    shares = table / total
    joint = _entropy(shares)
    # the difference of nearly equal entropies may round below zero
    split = max(joint - _entropy(shares.sum(axis=0)), 0.0)
    merge = max(joint - _entropy(shares.sum(axis=1)), 0.0)
    return split, merge


def _entropy(shares: NDArray[np.float64]) -> float:
    positive = shares[shares > 0]
    return float(-(positive * np.log2(positive)).sum())
