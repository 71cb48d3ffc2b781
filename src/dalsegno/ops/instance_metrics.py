"""How well instances agree with the true ones; everything follows from the voxels that each pair shares."""

from math import nan, sqrt

import numpy as np
from numpy.typing import NDArray

from dalsegno.ops.contingency import ContingencyTable
from dalsegno.ops.voi import conditional_entropies

__all__ = ["IOU_THRESHOLDS", "adapted_rand", "average_precisions", "instance_scores", "panoptic_quality"]

IOU_THRESHOLDS = tuple(percent / 100 for percent in range(50, 100, 5))
"""Thresholds of the average precision: 0.5, 0.55 … 0.95."""

BACKGROUND = 0


def instance_scores(table: ContingencyTable, *, background_as_object: bool = False) -> dict[str, float]:
    """Return all criteria of an instance segmentation.

    Parameters
    ----------
    table
        Voxels of each pair, those of the background (id 0) of both sides included.
    background_as_object
        The truth's background is an object like any other. Otherwise its voxels are left out of the variation
        of information and of the Rand error, as CREMI does: most of a volume would agree whatever is segmented.

    Returns
    -------
    scores
        Value by criterion. Variation of information and Rand error count the background of the segmentation as
        one of its segments, as scikit-image does: what it covers of true objects is merged. They are NaN if no
        voxel counts. In average precision and panoptic quality 0 is never an object, and segments in the truth's
        background are false ones; without any object on either side they are NaN. The segmentation quality
        is NaN if no object is found, and the panoptic quality 0.

    References
    ----------
    CREMI score: https://cremi.org/metrics, the geometric mean of variation of information and Rand error.
    """
    judged = table if background_as_object else table.without_true(BACKGROUND)
    split, merge = variation_of_information(judged)
    error, precision, recall = adapted_rand(judged)
    precisions = average_precisions(table)
    panoptic, segmentation, recognition = panoptic_quality(table)
    return {
        "voi_split": split,
        "voi_merge": merge,
        "adapted_rand_error": error,
        "adapted_rand_precision": precision,
        "adapted_rand_recall": recall,
        "cremi_score": sqrt((split + merge) * error),
        "average_precision": float(np.mean(precisions)),
        "average_precision_50": precisions[IOU_THRESHOLDS.index(0.5)],
        "average_precision_75": precisions[IOU_THRESHOLDS.index(0.75)],
        "panoptic_quality": panoptic,
        "segmentation_quality": segmentation,
        "recognition_quality": recognition,
    }


def variation_of_information(table: ContingencyTable) -> tuple[float, float]:
    """Return split and merge in bits, see `dalsegno.ops.voi`; NaN if no voxel is counted."""
    if table.counts.sum() == 0:
        return nan, nan
    return conditional_entropies(table.counts, table.segment_sizes, table.true_sizes)


def adapted_rand(table: ContingencyTable) -> tuple[float, float, float]:
    """Return one minus the F-score of pairs of voxels that are together, and the precision and recall of it.

    After Arganda-Carreras et al., "Crowdsourcing the creation of image segmentation algorithms for connectomics"
    (2015); pairs are of different voxels, as in scikit-image.

    Parameters
    ----------
    table
        Voxels of each pair.

    Returns
    -------
    error, precision, recall
        Precision: of all pairs of voxels within a segment, those within a true object too (lower where objects
        are merged). Recall: of all pairs within an object, those within a segment too (lower where they are
        split). NaN without pairs.
    """
    together = _pairs(table.counts)
    within_segments, within_objects = _pairs(table.segment_sizes), _pairs(table.true_sizes)
    return (
        # sums of large squares may round above each other
        max(1 - _ratio(2 * together, within_segments + within_objects), 0.0),
        _ratio(together, within_segments),
        _ratio(together, within_objects),
    )


def average_precisions(table: ContingencyTable) -> list[float]:
    """Return ``TP / (TP + FP + FN)`` at each of `IOU_THRESHOLDS`; NaN without objects on either side.

    A segment and a true object match if their intersection over union is above the threshold; from 0.5 on
    none has two matches. After Everingham et al. (2010), for instances as in the 2018 Data Science Bowl.
    """
    overlaps = _matches(table)
    num_objects = _num_objects(table)
    return [
        _ratio(found, num_objects - found)
        for found in (int(np.count_nonzero(overlaps > threshold)) for threshold in IOU_THRESHOLDS)
    ]


def panoptic_quality(table: ContingencyTable) -> tuple[float, float, float]:
    """Return the panoptic quality, and the segmentation and recognition quality that it is the product of.

    After Kirillov et al., "Panoptic Segmentation" (2019), for one class: the mean intersection over union of
    matches above 0.5, times ``TP / (TP + FP / 2 + FN / 2)``.
    """
    overlaps = _matches(table)
    found, num_objects = len(overlaps), _num_objects(table)
    total = float(overlaps.sum())
    return _ratio(2 * total, num_objects), _ratio(total, found), _ratio(2 * found, num_objects)


def _matches(table: ContingencyTable) -> NDArray[np.float64]:
    """Return the intersection over union of each pair of a segment and an object where it is above 0.5."""
    union = table.segment_sizes[table.segments] + table.true_sizes[table.truths] - table.counts
    objects = (table.segment_ids[table.segments] != BACKGROUND) & (table.true_ids[table.truths] != BACKGROUND)
    overlaps: NDArray[np.float64] = (table.counts / union)[objects]
    return overlaps[overlaps > 0.5]


def _num_objects(table: ContingencyTable) -> int:
    """Return how many segments and true objects there are together."""
    segments = (table.segment_sizes > 0) & (table.segment_ids != BACKGROUND)
    truths = (table.true_sizes > 0) & (table.true_ids != BACKGROUND)
    return int(np.count_nonzero(segments) + np.count_nonzero(truths))


def _pairs(sizes: NDArray[np.int64]) -> float:
    """Return the ordered pairs of different voxels within groups of these sizes."""
    wide = sizes.astype(np.float64)
    return float((wide * (wide - 1)).sum())


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else nan
