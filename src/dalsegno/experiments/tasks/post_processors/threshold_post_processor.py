"""Cuts predictions at a threshold."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from attrs import define, field
from numpy.typing import DTypeLike, NDArray

from dalsegno.errors import DataError
from dalsegno.experiments.tasks.post_processors.post_processor import PostProcessor, check_finite, check_grid, is_number
from dalsegno.experiments.tasks.post_processors.threshold_post_processor_parameters import (
    ThresholdPostProcessorParameters,
)
from dalsegno.ops.level_sets import LevelSets

__all__ = ["ThresholdPostProcessor", "ThresholdPostProcessorParameters"]


def _positions(channels: Sequence[int] | None) -> tuple[int, ...] | None:
    return None if channels is None else tuple(channels)


def _numbers(given: Iterable[float]) -> tuple[float, ...]:
    return tuple(given)


@define
class ThresholdPostProcessor(PostProcessor[ThresholdPostProcessorParameters]):
    """Makes 1 of what is above a threshold and 0 of the rest, channel by channel.

    Attributes
    ----------
    thresholds
        What a validation tries, on the scale of the prediction as the network gives it.
    bounds
        Lowest and highest value that the network can give, where there are such.
    channels
        Positions of the channels that are cut; all of them if not given.

    Raises
    ------
    ConfigError
        If there is no threshold or no channel, or a threshold is not between the bounds.
    """

    thresholds: tuple[float, ...] = field(default=(0.0,), converter=_numbers)
    bounds: tuple[float, float] | None = None
    channels: tuple[int, ...] | None = field(default=None, converter=_positions)

    def __attrs_post_init__(self) -> None:
        """Check thresholds and channels."""
        check_grid("thresholds", self.thresholds, between=self.bounds)
        if self.channels is not None:
            check_grid("channels", self.channels, at_least=0)

    def enumerate_parameters(self) -> Iterator[ThresholdPostProcessorParameters]:
        """Yield one setting for each threshold."""
        for position, threshold in enumerate(self.thresholds):
            yield ThresholdPostProcessorParameters(position, threshold)

    def label(self, prediction: NDArray[Any], parameters: ThresholdPostProcessorParameters) -> NDArray[np.uint8]:
        """Return 1 above the threshold, 0 elsewhere; shape ``(C, *spatial)``.

        Raises
        ------
        DataError
            If the prediction lacks a channel, holds NaN, or is of integers that can't be on both sides of the
            threshold.
        """
        return self.label_all(prediction, [parameters])[0]

    def label_all(self, prediction: NDArray[Any], settings: Sequence[ThresholdPostProcessorParameters]) -> LevelSets:
        """Return the level sets of the prediction."""
        for setting in settings:
            self.check_format(len(prediction), prediction.ndim - 1, prediction.dtype, setting)
        if self.channels is not None:
            prediction = prediction[list(self.channels)]
        check_finite(prediction)
        return LevelSets(prediction, tuple(setting.threshold for setting in settings))

    def check_format(
        self,
        num_channels: int,
        dims: int,  # noqa: ARG002
        dtype: np.dtype[Any],
        parameters: ThresholdPostProcessorParameters,
    ) -> None:
        """Refuse predictions that lack a channel, and those that the threshold does not divide."""
        if not is_number(parameters.threshold):
            raise DataError(
                f"the threshold {parameters.threshold!r} is no number, so that nothing is above or below it; give one "
                "of enumerate_parameters()"
            )
        if self.channels is not None and max(self.channels) >= num_channels:
            raise DataError(
                f"channel {max(self.channels)} is to be cut, but the prediction has {num_channels} channels, counted "
                "from 0; give positions of channels that the network predicts"
            )
        if dtype.kind in "iu" and not np.iinfo(dtype).min <= parameters.threshold < np.iinfo(dtype).max:
            raise DataError(
                f"the threshold {parameters.threshold} does not divide a prediction of {dtype}, whose values are "
                f"{np.iinfo(dtype).min} to {np.iinfo(dtype).max}: all voxels or none would be foreground; give "
                "thresholds on that scale, or a prediction on that of the thresholds"
            )

    def output_format(self, num_channels: int) -> tuple[int | None, DTypeLike]:
        """Return as many channels as are cut, of uint8."""
        return num_channels if self.channels is None else len(self.channels), np.uint8
