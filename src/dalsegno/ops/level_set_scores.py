"""Scores of the segmentations at several thresholds, from one pass over the image.

What lies above a threshold lies above all lower ones. The image is cut into pieces that stay in the
processor's cache while they are counted at every threshold, and the distances to the truth of what is
false at the lowest threshold are those of all others as well.
"""

from collections.abc import Collection, Sequence
from math import nan

import numpy as np

from dalsegno.ops.binary_counts import (
    DISTANCE_CRITERIA,
    BinaryCounts,
    ErrorDistances,
    distance_scores,
    overlap_scores,
)
from dalsegno.ops.binary_metrics import BinaryTruth, inside
from dalsegno.ops.level_sets import LevelSets
from dalsegno.ops.nearest_foreground import NearestForeground

__all__ = ["level_set_counts", "level_set_scores"]

PIECE = 2**16
"""Voxels that are counted at a time."""


def level_set_counts(levels: LevelSets, truth: BinaryTruth) -> list[BinaryCounts]:
    """Count the voxels of the segmentation at each threshold.

    Parameters
    ----------
    levels
        Of one channel: values of the shape of the truth, thresholds in any order.
    truth
        What all are compared with.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    if levels.values.shape != truth.truth.shape:
        raise ValueError(f"the image has shape {levels.values.shape}, the truth {truth.truth.shape}")
    values, true = levels.values.reshape(-1), truth.truth.reshape(-1)
    mask = None if truth.mask is None else truth.mask.reshape(-1)
    tests, both = np.zeros((2, len(levels.thresholds)), np.int64)
    true_voxels = voxels = 0
    for begin in range(0, values.size, PIECE):
        piece = slice(begin, begin + PIECE)
        judged, truly = (part if mask is None else part[mask[piece]] for part in (values[piece], true[piece]))
        true_voxels += int(np.count_nonzero(truly))
        voxels += judged.size
        for position, threshold in enumerate(levels.thresholds):
            above = judged > threshold
            tests[position] += np.count_nonzero(above)
            above &= truly
            both[position] += np.count_nonzero(above)
    return [BinaryCounts(int(test), true_voxels, int(common), voxels) for test, common in zip(tests, both, strict=True)]


def level_set_scores(
    levels: LevelSets,
    truth: BinaryTruth,
    counts: Sequence[BinaryCounts],
    wanted: Collection[int],
    *,
    clip_distance: float,
    tol_distance: float,
) -> list[dict[str, float]]:
    """Return the criteria of the segmentation at each threshold.

    Parameters
    ----------
    levels, truth
        As for `level_set_counts`.
    counts
        What that returned.
    wanted
        Positions of the thresholds that get criteria with distances; those of the others are NaN.
    clip_distance, tol_distance
        As for `binary_scores`.

    Returns
    -------
    scores
        Value by criterion for each threshold, as `binary_scores` returns them.
    """
    scores = [overlap_scores(each) | dict.fromkeys(DISTANCE_CRITERIA, nan) for each in counts]
    if not wanted:
        return scores
    false = truth.truth < inside(levels.values > min(levels.thresholds[position] for position in wanted), truth.mask)
    points = np.flatnonzero(false)
    to_truth, values = truth.nearest.distances(points), levels.values.reshape(-1)[points]
    for position in sorted(wanted):
        test = inside(levels.values > levels.thresholds[position], truth.mask)
        missed = np.flatnonzero(truth.truth > test)
        false_positive = to_truth[values > levels.thresholds[position]]
        false_negative = NearestForeground(test, truth.voxel_size).distances(missed)
        positive, negative = (
            ErrorDistances.of(distances, clip_distance, tol_distance) for distances in (false_positive, false_negative)
        )
        scores[position] |= distance_scores(counts[position], positive, negative)
    return scores
