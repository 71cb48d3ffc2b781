"""What is counted of a binary segmentation and the truth, and the criteria that follow from it.

Counts of parts of a volume add up to those of the whole.
"""

from typing import Any, Self

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from dalsegno.ops.voi import variation_of_information

__all__ = [
    "DISTANCE_CRITERIA",
    "OVERLAP_CRITERIA",
    "BinaryCounts",
    "ErrorDistances",
    "distance_scores",
    "overlap_scores",
]

NAN = float("nan")

OVERLAP_CRITERIA = (
    "dice",
    "jaccard",
    "false_negative_rate",
    "false_positive_rate",
    "false_discovery_rate",
    "voi",
    "precision",
    "recall",
    "f1_score",
)
"""Criteria that follow from counts of voxels."""

DISTANCE_CRITERIA = (
    "hausdorff",
    "mean_false_distance",
    "mean_false_positive_distance",
    "mean_false_negative_distance",
    "mean_false_distance_clipped",
    "mean_false_positive_distance_clipped",
    "mean_false_negative_distance_clipped",
    "false_positive_rate_with_tolerance",
    "false_negative_rate_with_tolerance",
    "precision_with_tolerance",
    "recall_with_tolerance",
    "f1_score_with_tolerance",
)
"""Criteria that need the distances of errors."""


@frozen
class BinaryCounts:
    """Voxels of the segmentation, of the truth, of both, and all that are judged."""

    test: int = 0
    truth: int = 0
    both: int = 0
    voxels: int = 0

    @classmethod
    def of(cls, test: NDArray[np.bool_], truth: NDArray[np.bool_], mask: NDArray[np.bool_] | None) -> Self:
        """Count foreground inside the mask."""
        count = np.count_nonzero
        voxels = truth.size if mask is None else int(count(mask))
        return cls(int(count(test)), int(count(truth)), int(count(test & truth)), voxels)

    def __add__(self, other: "BinaryCounts") -> "BinaryCounts":
        return BinaryCounts(
            self.test + other.test, self.truth + other.truth, self.both + other.both, self.voxels + other.voxels
        )

    @property
    def false_positives(self) -> int:
        """Voxels of the segmentation alone."""
        return self.test - self.both

    @property
    def false_negatives(self) -> int:
        """Voxels of the truth alone."""
        return self.truth - self.both

    @property
    def negatives(self) -> int:
        """Background of the truth."""
        return self.voxels - self.truth


@frozen
class ErrorDistances:
    """What is kept of the distances of false positives to the truth, or of false negatives to the segmentation.

    Attributes
    ----------
    total, clipped
        Sum of the distances, and of those clipped, in world units.
    beyond
        How many are beyond the tolerance.
    largest
        Largest distance, 0 without any.
    """

    total: float = 0.0
    clipped: float = 0.0
    beyond: int = 0
    largest: float = 0.0

    @classmethod
    def of(cls, distances: NDArray[np.float64], clip_distance: float, tol_distance: float) -> Self:
        """Sum up the distances of some errors, world units."""
        return cls(
            float(distances.sum()),
            float(np.minimum(distances, clip_distance).sum()),
            int(np.count_nonzero(distances > tol_distance)),
            float(distances.max(initial=0.0)),
        )

    def __add__(self, other: "ErrorDistances") -> "ErrorDistances":
        return ErrorDistances(
            self.total + other.total,
            self.clipped + other.clipped,
            self.beyond + other.beyond,
            max(self.largest, other.largest),
        )


def overlap_scores(counts: BinaryCounts) -> dict[str, float]:
    """Return the criteria that follow from counts of voxels.

    Returns
    -------
    scores
        Value by criterion. Ratios without anything to count are NaN: precision of an empty segmentation,
        recall of an empty truth, dice, jaccard and F1 if both are empty. If only one is empty, dice,
        jaccard and F1 are 0. The variation of information is that of foreground and background, split
        plus merge, in bits, NaN if no voxel is judged.
    """
    dice = _ratio(2 * counts.both, counts.test + counts.truth)
    true_negatives = counts.negatives - counts.false_positives
    table = np.array([[true_negatives, counts.false_negatives], [counts.false_positives, counts.both]])
    return {
        "dice": dice,
        "jaccard": _ratio(counts.both, counts.test + counts.false_negatives),
        "false_negative_rate": _ratio(counts.false_negatives, counts.truth),
        "false_positive_rate": _ratio(counts.false_positives, counts.negatives),
        "false_discovery_rate": _ratio(counts.false_positives, counts.test),
        "voi": sum(variation_of_information(table)) if counts.voxels else NAN,
        "precision": _ratio(counts.both, counts.test),
        "recall": _ratio(counts.both, counts.truth),
        "f1_score": dice,
    }


def distance_scores(counts: BinaryCounts, positive: ErrorDistances, negative: ErrorDistances) -> dict[str, float]:
    """Return the criteria that need distances, with and without tolerance.

    Parameters
    ----------
    counts
        Voxels of both sides.
    positive
        Distances of false positives to the truth.
    negative
        Distances of false negatives to the segmentation.

    Returns
    -------
    scores
        Value by criterion. Means are over all voxels of a side: correct ones are at distance 0. Distances
        are NaN if either side is empty; the Hausdorff distance is 0 if both are and any voxel is judged. With
        tolerance, errors no farther than it count as correct.
    """
    if counts.test and counts.truth:
        hausdorff = max(positive.largest, negative.largest)
        means = (positive.total / counts.test, negative.total / counts.truth)
        clipped = (positive.clipped / counts.test, negative.clipped / counts.truth)
    else:
        hausdorff = 0.0 if counts.test == counts.truth and counts.voxels else NAN
        means = clipped = (NAN, NAN)
    true_positives = counts.test + counts.false_negatives - positive.beyond - negative.beyond
    return {
        "hausdorff": hausdorff,
        "mean_false_distance": sum(means) / 2,
        "mean_false_positive_distance": means[0],
        "mean_false_negative_distance": means[1],
        "mean_false_distance_clipped": sum(clipped) / 2,
        "mean_false_positive_distance_clipped": clipped[0],
        "mean_false_negative_distance_clipped": clipped[1],
        "false_positive_rate_with_tolerance": _ratio(positive.beyond, counts.negatives),
        "false_negative_rate_with_tolerance": _ratio(negative.beyond, counts.truth),
        "precision_with_tolerance": _ratio(true_positives, true_positives + positive.beyond),
        "recall_with_tolerance": _ratio(true_positives, true_positives + negative.beyond),
        "f1_score_with_tolerance": _ratio(2 * true_positives, 2 * true_positives + positive.beyond + negative.beyond),
    }


def _ratio(part: Any, whole: Any) -> float:
    return part / whole if whole else NAN
