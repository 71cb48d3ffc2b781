"""The scores of one instance segmentation."""

from math import nan
from typing import ClassVar

from attrs import frozen

from dalsegno.experiments.tasks.evaluators.evaluation_scores import Bounds, EvaluationScores

__all__ = ["InstanceEvaluationScores"]

QUALITIES = ("adapted_rand_precision", "adapted_rand_recall", "average_precision", "panoptic", "segmentation", "recog")
UNBOUNDED = ("voi", "cremi_score")
STORED = ("voi", "adapted_rand_error", "cremi_score", "average_precision", "panoptic_quality")


@frozen
class InstanceEvaluationScores(EvaluationScores):
    """The scores of one instance segmentation; NaN where one is undefined.

    ``voi_split`` and ``voi_merge`` are the parts of the variation of information in bits, ``voi`` is their
    mean. ``adapted_rand_error`` is one minus the F-score of pairs of voxels that are together, precision and
    recall are those of the pairs. ``cremi_score`` is the geometric mean of split plus merge, and the Rand
    error. ``average_precision`` is TP / (TP + FP + FN) over instances, the mean over thresholds of the
    intersection over union from 0.5 to 0.95, ``_50`` and ``_75`` that at one of them. ``panoptic_quality``
    is the product of ``segmentation_quality``, the mean intersection over union of what is found, and
    ``recognition_quality``, the F-score of finding it.

    See Also
    --------
    dalsegno.ops.instance_metrics.instance_scores : computes them.
    """

    judged: ClassVar[str] = "instance segmentations"

    voi_split: float = nan
    voi_merge: float = nan
    adapted_rand_error: float = nan
    adapted_rand_precision: float = nan
    adapted_rand_recall: float = nan
    cremi_score: float = nan
    average_precision: float = nan
    average_precision_50: float = nan
    average_precision_75: float = nan
    panoptic_quality: float = nan
    segmentation_quality: float = nan
    recognition_quality: float = nan

    @property
    def voi(self) -> float:
        """Mean of split and merge, in bits."""
        return (self.voi_split + self.voi_merge) / 2

    @classmethod
    def names(cls) -> list[str]:
        """Return the names of the criteria: the variation of information and its parts first."""
        split, merge, *others = super().names()
        return [split, merge, "voi", *others]

    @classmethod
    def higher_is_better(cls, criterion: str) -> bool:
        """Return True for qualities, precision and recall, False for errors and the variation of information."""
        return cls.checked(criterion).startswith(QUALITIES)

    @classmethod
    def bounds(cls, criterion: str) -> Bounds:
        """Return 0 and 1; 0 and NaN for the variation of information and the CREMI score."""
        return 0, nan if cls.checked(criterion).startswith(UNBOUNDED) else 1

    @classmethod
    def store_best(cls, criterion: str) -> bool:
        """Return True but for what a wrong segmentation can make perfect, such as precision or recall alone."""
        return cls.checked(criterion).startswith(STORED)
