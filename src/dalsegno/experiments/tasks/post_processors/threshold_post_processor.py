"""Cuts predictions at a threshold."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from attrs import define
from numpy.typing import DTypeLike, NDArray

from dalsegno.experiments.tasks.post_processors.post_processor import PostProcessor
from dalsegno.experiments.tasks.post_processors.threshold_post_processor_parameters import (
    ThresholdPostProcessorParameters,
)
from dalsegno.ops.level_sets import LevelSets

__all__ = ["ThresholdPostProcessor", "ThresholdPostProcessorParameters"]


@define
class ThresholdPostProcessor(PostProcessor[ThresholdPostProcessorParameters]):
    """Makes 1 of what is above a threshold and 0 of the rest, channel by channel.

    Attributes
    ----------
    thresholds
        What a validation tries, on the scale of the prediction as the network gives it.
    """

    thresholds: tuple[float, ...] = (0.0,)

    def enumerate_parameters(self) -> Iterator[ThresholdPostProcessorParameters]:
        """Yield one setting for each threshold."""
        for position, threshold in enumerate(self.thresholds):
            yield ThresholdPostProcessorParameters(position, threshold)

    def label(self, prediction: NDArray[Any], parameters: ThresholdPostProcessorParameters) -> NDArray[np.uint8]:
        """Return 1 above the threshold, 0 elsewhere; shape ``(C, *spatial)``."""
        return (prediction > parameters.threshold).astype(np.uint8)

    def label_all(self, prediction: NDArray[Any], settings: Sequence[ThresholdPostProcessorParameters]) -> LevelSets:
        """Return the level sets of the prediction."""
        return LevelSets(prediction, tuple(setting.threshold for setting in settings))

    def output_format(self, num_channels: int) -> tuple[int | None, DTypeLike]:
        """Return as many channels as the prediction has, of uint8."""
        return num_channels, np.uint8
