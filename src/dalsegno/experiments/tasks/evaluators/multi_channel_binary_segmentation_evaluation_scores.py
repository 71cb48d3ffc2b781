"""The scores of several binary segmentations, one for each channel."""

from collections.abc import Mapping
from typing import Self

from attrs import frozen

from dalsegno.errors import ConfigError
from dalsegno.experiments.channel_scores import (
    SEPARATOR,
    channel_of,
    channels_without_truth,
    criterion_of,
    mean_over_channels,
)
from dalsegno.experiments.tasks.evaluators.binary_segmentation_evaluation_scores import (
    BinarySegmentationEvaluationScores,
)
from dalsegno.experiments.tasks.evaluators.evaluation_scores import Bounds, EvaluationScores

__all__ = ["MultiChannelBinarySegmentationEvaluationScores"]


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

    @classmethod
    def higher_is_better(cls, criterion: str) -> bool:
        """Return whether a larger value is better, with or without the channel."""
        return BinarySegmentationEvaluationScores.higher_is_better(criterion_of(criterion))

    @classmethod
    def bounds(cls, criterion: str) -> Bounds:
        """Return the least and the largest value possible, with or without the channel."""
        return BinarySegmentationEvaluationScores.bounds(criterion_of(criterion))

    @classmethod
    def store_best(cls, criterion: str) -> bool:
        """Return whether the best weights are worth keeping, with or without the channel."""
        return BinarySegmentationEvaluationScores.store_best(criterion_of(criterion))

    def value(self, criterion: str) -> float:
        """Return the value of a channel, or without the channel the mean over all that the ground truth has.

        Raises
        ------
        ConfigError
            If there is no such channel or criterion.
        """
        if SEPARATOR not in criterion:
            return self._mean(BinarySegmentationEvaluationScores.checked(criterion))
        channel = channel_of(criterion)
        for name, scores in self.channel_scores:
            if name == channel:
                return scores.value(criterion_of(criterion))
        known = ", ".join(name for name, _ in self.channel_scores)
        raise ConfigError(f"there is no channel {channel!r} for the criterion {criterion!r}; channels: {known}")

    def _mean(self, criterion: str) -> float:
        scores = self.as_dict()
        absent = channels_without_truth([scores])
        return mean_over_channels({name: scores[name] for name in scores if channel_of(name) not in absent}, criterion)

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
