"""How well a binary segmentation agrees with the truth: overlaps, distances, and both with a tolerance.

Overlaps count voxels. Distances are Euclidean, between voxel centres, in world units: of a falsely
segmented voxel to the truth, and of a missed voxel to the segmentation. What the truth alone decides
is computed once in `BinaryTruth` and shared by all segmentations that are compared with it.
"""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from dalsegno.ops.bounding_box import bounding_box
from dalsegno.ops.distances import distances_to
from dalsegno.ops.voi import variation_of_information

__all__ = ["BinaryTruth", "binary_scores"]

NAN = float("nan")


@frozen(eq=False)
class BinaryTruth:
    """A true segmentation and what all comparisons with it share.

    Attributes
    ----------
    truth
        Foreground inside the mask, shape ``(*spatial)``.
    mask
        Voxels that are compared; None for all of them.
    voxel_size
        Voxel size per axis.
    distances
        Distance of each voxel to the truth, infinite if it is empty.
    count, num_voxels
        Voxels of the truth, and of the mask.
    """

    truth: NDArray[np.bool_]
    mask: NDArray[np.bool_] | None
    voxel_size: tuple[float, ...]
    distances: NDArray[np.float32]
    count: int
    num_voxels: int

    @classmethod
    def of(cls, truth: NDArray[np.bool_], voxel_size: Sequence[float], mask: NDArray[np.bool_] | None = None) -> Self:
        """Prepare a truth for comparisons, up to 3D.

        Raises
        ------
        ValueError
            If the mask has another shape.
        """
        truth = _inside(truth, mask)
        size = tuple(map(float, voxel_size))
        num_voxels = truth.size if mask is None else int(np.count_nonzero(mask))
        return cls(truth, mask, size, distances_to(truth, size), int(np.count_nonzero(truth)), num_voxels)


def binary_scores(
    test: NDArray[np.bool_], truth: BinaryTruth, *, clip_distance: float, tol_distance: float
) -> dict[str, float]:
    """Return all criteria of a binary segmentation.

    Parameters
    ----------
    test
        The segmentation, of the shape of the truth.
    truth
        What it is compared with.
    clip_distance
        Distances count as at most this much in the clipped means, in world units.
    tol_distance
        Voxels this near to the other foreground are no error in the criteria with tolerance.

    Returns
    -------
    scores
        Value by criterion. Ratios without anything to count are NaN: precision of an empty segmentation,
        recall of an empty truth, dice, jaccard and F1 if both are empty. If only one is empty, dice,
        jaccard and F1 are 0. Distances are NaN if either is empty; the Hausdorff distance is 0 if both
        are. The variation of information is that of foreground and background, split plus merge, in bits.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    test = _inside(test, truth.mask)
    if test.shape != truth.truth.shape:
        raise ValueError(f"the segmentation has shape {test.shape}, the truth {truth.truth.shape}")
    false_positive = truth.distances[test & ~truth.truth].astype(np.float64)
    false_negative = _missed_distances(test, truth)
    num_test = int(np.count_nonzero(test))
    return (
        _overlap_scores(num_test, len(false_positive), truth)
        | _distance_scores(false_positive, false_negative, num_test, truth.count, clip_distance)
        | _tolerance_scores(false_positive, false_negative, num_test, truth, tol_distance)
    )


def _overlap_scores(num_test: int, false_positives: int, truth: BinaryTruth) -> dict[str, float]:
    true_positives = num_test - false_positives
    false_negatives = truth.count - true_positives
    negatives = truth.num_voxels - truth.count
    table = np.array([[negatives - false_positives, false_negatives], [false_positives, true_positives]])
    dice = _ratio(2 * true_positives, num_test + truth.count)
    return {
        "dice": dice,
        "jaccard": _ratio(true_positives, num_test + false_negatives),
        "false_negative_rate": _ratio(false_negatives, truth.count),
        "false_positive_rate": _ratio(false_positives, negatives),
        "false_discovery_rate": _ratio(false_positives, num_test),
        "voi": sum(variation_of_information(table)),
        "precision": _ratio(true_positives, num_test),
        "recall": _ratio(true_positives, truth.count),
        "f1_score": dice,
    }


def _distance_scores(
    false_positive: NDArray[np.float64],
    false_negative: NDArray[np.float64],
    num_test: int,
    num_truth: int,
    clip_distance: float,
) -> dict[str, float]:
    if num_test == 0 or num_truth == 0:
        hausdorff = 0.0 if num_test == num_truth else NAN
        positive = negative = clipped_positive = clipped_negative = NAN
    else:
        hausdorff = float(max(false_positive.max(initial=0), false_negative.max(initial=0)))
        # correctly segmented voxels are at distance 0 and part of both means
        positive, negative = false_positive.sum() / num_test, false_negative.sum() / num_truth
        clipped_positive = np.minimum(false_positive, clip_distance).sum() / num_test
        clipped_negative = np.minimum(false_negative, clip_distance).sum() / num_truth
    return {
        "hausdorff": hausdorff,
        "mean_false_distance": float(positive + negative) / 2,
        "mean_false_positive_distance": float(positive),
        "mean_false_negative_distance": float(negative),
        "mean_false_distance_clipped": float(clipped_positive + clipped_negative) / 2,
        "mean_false_positive_distance_clipped": float(clipped_positive),
        "mean_false_negative_distance_clipped": float(clipped_negative),
    }


def _tolerance_scores(
    false_positive: NDArray[np.float64],
    false_negative: NDArray[np.float64],
    num_test: int,
    truth: BinaryTruth,
    tol_distance: float,
) -> dict[str, float]:
    false_positives = int(np.count_nonzero(false_positive > tol_distance))
    false_negatives = int(np.count_nonzero(false_negative > tol_distance))
    union = num_test + len(false_negative)
    true_positives = union - false_positives - false_negatives
    return {
        "false_positive_rate_with_tolerance": _ratio(false_positives, truth.num_voxels - truth.count),
        "false_negative_rate_with_tolerance": _ratio(false_negatives, truth.count),
        "precision_with_tolerance": _ratio(true_positives, true_positives + false_positives),
        "recall_with_tolerance": _ratio(true_positives, true_positives + false_negatives),
        "f1_score_with_tolerance": _ratio(2 * true_positives, 2 * true_positives + false_positives + false_negatives),
    }


def _missed_distances(test: NDArray[np.bool_], truth: BinaryTruth) -> NDArray[np.float64]:
    """Return the distances to the segmentation of the voxels that it misses."""
    missed = truth.truth & ~test
    # the nearest segmented voxel of any missed one lies in the box around both
    box = bounding_box(missed | test) if missed.any() else (slice(0, 0),) * test.ndim
    return distances_to(test[box], truth.voxel_size)[missed[box]].astype(np.float64)


def _inside(foreground: NDArray[np.bool_], mask: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
    """Return the foreground inside a mask."""
    if mask is None:
        return foreground
    if mask.shape != foreground.shape:
        raise ValueError(f"the mask has shape {mask.shape}, the segmentation {foreground.shape}")
    return foreground & mask


def _ratio(part: Any, whole: Any) -> float:
    return part / whole if whole else NAN
