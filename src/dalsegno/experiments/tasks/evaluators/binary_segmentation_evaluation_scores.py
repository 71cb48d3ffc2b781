"""The scores of one binary segmentation."""

from math import nan
from typing import ClassVar

from attrs import frozen

from dalsegno.experiments.tasks.evaluators.evaluation_scores import Bounds, EvaluationScores

__all__ = ["BinarySegmentationEvaluationScores"]


@frozen
class BinarySegmentationEvaluationScores(EvaluationScores):
    """The scores of one binary segmentation; NaN where one is undefined.

    With test T and truth S: dice and F1 are ``2|TS| / (|T| + |S|)``, jaccard is ``|TS| / |T or S|``,
    precision ``|TS| / |T|``, recall ``|TS| / |S|``. Rates: false negatives ``|S - T| / |S|``, false
    positives ``|T - S| / |not S|``, false discoveries ``|T - S| / |T|``. ``voi`` is the variation of
    information, split plus merge, in bits, of foreground and background.

    Distances, in world units between voxel centres, are those from each voxel of T to S (false positive)
    and from S to T (false negative); correct voxels are at distance 0 and part of the means.
    ``mean_false_distance`` is the mean of the two means, ``hausdorff`` the largest distance, ``_clipped``:
    at most the clip distance each. ``_with_tolerance``: only voxels farther than the tolerance are errors,
    all others of T or S are correct.

    Undefined is what has nothing to count: precision if T is empty, recall if S is, both and dice, jaccard
    and F1 if both are. If only one is empty, dice, jaccard and F1 are 0, and distances are undefined.

    See Also
    --------
    dalsegno.ops.binary_metrics.binary_scores : computes them in memory.
    dalsegno.ops.binary_blocks.blockwise_scores : computes them block by block.
    dalsegno.ops.level_set_scores.level_set_scores : computes them at many thresholds.
    """

    judged: ClassVar[str] = "binary segmentations"

    dice: float = nan
    jaccard: float = nan
    hausdorff: float = nan
    false_negative_rate: float = nan
    false_negative_rate_with_tolerance: float = nan
    false_positive_rate: float = nan
    false_discovery_rate: float = nan
    false_positive_rate_with_tolerance: float = nan
    voi: float = nan
    mean_false_distance: float = nan
    mean_false_negative_distance: float = nan
    mean_false_positive_distance: float = nan
    mean_false_distance_clipped: float = nan
    mean_false_negative_distance_clipped: float = nan
    mean_false_positive_distance_clipped: float = nan
    precision_with_tolerance: float = nan
    recall_with_tolerance: float = nan
    f1_score_with_tolerance: float = nan
    precision: float = nan
    recall: float = nan
    f1_score: float = nan

    @classmethod
    def higher_is_better(cls, criterion: str) -> bool:
        """Return True for overlaps, precision, recall and F1, False for errors and distances."""
        return cls.checked(criterion).startswith(("dice", "jaccard", "precision", "recall", "f1_score"))

    @classmethod
    def bounds(cls, criterion: str) -> Bounds:
        """Return 0 and 1, 0 and 2 bits for the variation of information, 0 and NaN for distances."""
        if cls.checked(criterion) == "voi":
            return 0, 2
        return 0, nan if criterion == "hausdorff" or criterion.startswith("mean_false") else 1

    @classmethod
    def store_best(cls, criterion: str) -> bool:
        """Return True for the F1 score and the variation of information."""
        return cls.checked(criterion) in ("f1_score", "voi")
