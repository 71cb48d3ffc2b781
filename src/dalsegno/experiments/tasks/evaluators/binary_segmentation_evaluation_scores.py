"""The scores of one binary segmentation."""

from collections.abc import Mapping
from math import nan
from typing import Self

from attrs import fields_dict, frozen

from dalsegno.errors import ConfigError
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

    @property
    def criteria(self) -> list[str]:
        """Names of the 21 criteria."""
        return list(fields_dict(type(self)))

    @staticmethod
    def higher_is_better(criterion: str) -> bool:
        """Return True for overlaps, precision, recall and F1, False for errors and distances."""
        return _known(criterion).startswith(("dice", "jaccard", "precision", "recall", "f1_score"))

    @staticmethod
    def bounds(criterion: str) -> Bounds:
        """Return 0 and 1, 0 and 2 bits for the variation of information, 0 and NaN for distances."""
        if _known(criterion) == "voi":
            return 0, 2
        return 0, nan if criterion == "hausdorff" or criterion.startswith("mean_false") else 1

    @staticmethod
    def store_best(criterion: str) -> bool:
        """Return True for the F1 score and the variation of information."""
        return _known(criterion) in ("f1_score", "voi")

    def value(self, criterion: str) -> float:
        """Return the value of a criterion.

        Raises
        ------
        ConfigError
            If there is no such criterion.
        """
        value: float = getattr(self, _known(criterion))
        return value

    @classmethod
    def from_dict(cls, values: Mapping[str, float]) -> Self:
        """Return the scores that `as_dict` wrote down; what is missing is NaN.

        Raises
        ------
        ConfigError
            If there is no such criterion.
        """
        return cls(**{_known(criterion): value for criterion, value in values.items()})


def _known(criterion: str) -> str:
    names = fields_dict(BinarySegmentationEvaluationScores)
    if criterion not in names:
        raise ConfigError(f"binary segmentations have no criterion {criterion!r}; choose one of {', '.join(names)}")
    return criterion
