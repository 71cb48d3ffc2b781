"""The scores of one instance segmentation."""

from collections.abc import Mapping
from math import nan
from typing import Self

from attrs import fields_dict, frozen

from dalsegno.errors import ConfigError
from dalsegno.experiments.tasks.evaluators.evaluation_scores import Bounds, EvaluationScores

__all__ = ["InstanceEvaluationScores"]

MEAN_VOI = "voi"
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

    @property
    def criteria(self) -> list[str]:
        """Names of the criteria: the variation of information and its parts first."""
        return _criteria()

    @staticmethod
    def higher_is_better(criterion: str) -> bool:
        """Return True for qualities, precision and recall, False for errors and the variation of information."""
        return _known(criterion).startswith(QUALITIES)

    @staticmethod
    def bounds(criterion: str) -> Bounds:
        """Return 0 and 1; 0 and NaN for the variation of information and the CREMI score."""
        return 0, nan if _known(criterion).startswith(UNBOUNDED) else 1

    @staticmethod
    def store_best(criterion: str) -> bool:
        """Return True but for what a wrong segmentation can make perfect, such as precision or recall alone."""
        return _known(criterion).startswith(STORED)

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
        """Return the scores that `as_dict` wrote down; what is missing is NaN, and `voi` follows from its parts.

        Raises
        ------
        ConfigError
            If there is no such criterion.
        """
        return cls(**{_known(criterion): value for criterion, value in values.items() if criterion != MEAN_VOI})


def _criteria() -> list[str]:
    split, merge, *others = fields_dict(InstanceEvaluationScores)
    return [split, merge, MEAN_VOI, *others]


def _known(criterion: str) -> str:
    names = _criteria()
    if criterion not in names:
        raise ConfigError(f"instance segmentations have no criterion {criterion!r}; choose one of {', '.join(names)}")
    return criterion
