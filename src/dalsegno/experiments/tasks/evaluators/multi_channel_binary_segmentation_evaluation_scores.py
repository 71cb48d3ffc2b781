"""The scores of several binary segmentations, one for each channel."""

from collections.abc import Mapping
from math import isnan, nan
from statistics import fmean
from typing import Self

from attrs import frozen

from dalsegno.errors import ConfigError
from dalsegno.experiments.tasks.evaluators.binary_segmentation_evaluation_scores import (
    BinarySegmentationEvaluationScores,
)
from dalsegno.experiments.tasks.evaluators.evaluation_scores import Bounds, EvaluationScores

__all__ = ["MultiChannelBinarySegmentationEvaluationScores"]

SEPARATOR = "__"


@frozen
class MultiChannelBinarySegmentationEvaluationScores(EvaluationScores):
    """The scores of each channel; criteria are ``"<channel>__<criterion>"``.

    Attributes
    ----------
    channel_scores
        Name and scores of each channel.
    """

    channel_scores: tuple[tuple[str, BinarySegmentationEvaluationScores], ...]

    @property
    def criteria(self) -> list[str]:
        """All criteria of the first channel, then of the next."""
        return [name + SEPARATOR + criterion for name, scores in self.channel_scores for criterion in scores.criteria]

    @staticmethod
    def higher_is_better(criterion: str) -> bool:
        """Return whether a larger value is better, with or without the channel."""
        return BinarySegmentationEvaluationScores.higher_is_better(criterion.rpartition(SEPARATOR)[2])

    @staticmethod
    def bounds(criterion: str) -> Bounds:
        """Return the least and the largest value possible, with or without the channel."""
        return BinarySegmentationEvaluationScores.bounds(criterion.rpartition(SEPARATOR)[2])

    @staticmethod
    def store_best(criterion: str) -> bool:
        """Return whether the best weights are worth keeping, with or without the channel."""
        return BinarySegmentationEvaluationScores.store_best(criterion.rpartition(SEPARATOR)[2])

    def value(self, criterion: str) -> float:
        """Return the value of a channel, or without the channel the mean of those that are defined.

        Raises
        ------
        ConfigError
            If there is no such channel or criterion.
        """
        channel, separator, bare = criterion.rpartition(SEPARATOR)
        values = [scores.value(bare) for name, scores in self.channel_scores if name == channel or not separator]
        if not values:
            known = ", ".join(name for name, _ in self.channel_scores)
            raise ConfigError(f"there is no channel {channel!r} for the criterion {criterion!r}; channels: {known}")
        defined = [value for value in values if not isnan(value)]
        return fmean(defined) if defined else nan

    @classmethod
    def from_dict(cls, values: Mapping[str, float]) -> Self:
        """Return the scores that `as_dict` wrote down, channels in order of appearance; what is missing is NaN.

        Raises
        ------
        ConfigError
            If there is no such criterion, or it names no channel.
        """
        channels: dict[str, dict[str, float]] = {}
        for criterion, value in values.items():
            channel, separator, bare = criterion.rpartition(SEPARATOR)
            if not separator:
                raise ConfigError(
                    f"the criterion {criterion!r} names no channel: it is not known whose score it is; "
                    f"write '<channel>{SEPARATOR}{criterion}'"
                )
            channels.setdefault(channel, {})[bare] = value
        scores = BinarySegmentationEvaluationScores
        return cls(tuple((channel, scores.from_dict(named)) for channel, named in channels.items()))
