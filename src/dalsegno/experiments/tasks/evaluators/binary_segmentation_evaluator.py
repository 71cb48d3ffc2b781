"""Judges segmentations channel by channel: foreground against background."""

from collections.abc import Iterable, Iterator, Sequence
from math import isnan
from typing import Any

import numpy as np
from attrs import Attribute, define, field
from funlib.geometry import Roi
from numpy.typing import NDArray

from dalsegno.arrays.array import Array
from dalsegno.errors import ConfigError, DataError
from dalsegno.experiments.channel_scores import criterion_of
from dalsegno.experiments.tasks.evaluators.binary_segmentation_evaluation_scores import (
    BinarySegmentationEvaluationScores,
)
from dalsegno.experiments.tasks.evaluators.evaluator import Evaluator
from dalsegno.experiments.tasks.evaluators.multi_channel_binary_segmentation_evaluation_scores import (
    MultiChannelBinarySegmentationEvaluationScores,
)
from dalsegno.experiments.tasks.ground_truth import binary_channels, class_labels
from dalsegno.ops.binary_blocks import Pair, blockwise_scores
from dalsegno.ops.binary_counts import DISTANCE_CRITERIA, overlap_scores
from dalsegno.ops.binary_metrics import BinaryTruth, binary_scores
from dalsegno.ops.blocks import Box, block_shape
from dalsegno.ops.level_set_scores import level_set_counts, level_set_scores
from dalsegno.ops.level_sets import LevelSets
from dalsegno.units import Length, length_in, positive_length

__all__ = ["HEADLINE", "BinarySegmentationEvaluator", "known_criteria"]

CLIP_VOXELS = 10
TOLERANCE_VOXELS = 2
HEADLINE = ("f1_score", "jaccard", "voi")


def known_criteria(names: tuple[str, ...]) -> str | None:
    """Check that there are criteria to be best by, none twice, and none that binary segmentations don't have."""
    known = BinarySegmentationEvaluationScores().criteria
    if names and set(names) <= set(known):
        repeated = sorted({name for name in names if names.count(name) > 1})
        return f"each criterion can stand once, got {', '.join(repeated)} several times" if repeated else None
    return f"needs one or more criteria by which the best is chosen, got {list(names)}; there are {', '.join(known)}"


def _names(given: Iterable[str]) -> tuple[str, ...]:
    return tuple(given)


def _check_length(_: object, attribute: "Attribute[Any]", length: Length | None) -> None:
    if length is not None and (problem := positive_length(length)):
        raise ConfigError(f"{attribute.name}: {problem}")


def _check_headline(_: object, __: object, headline: tuple[str, ...]) -> None:
    if problem := known_criteria(headline):
        raise ConfigError(f"headline: {problem}")


@define(slots=False)
class BinarySegmentationEvaluator(Evaluator):
    """Scores each channel of a segmentation against the ground truth.

    Attributes
    ----------
    clip_distance
        Distances count as at most this much in the clipped means; None: ten times the longest voxel edge.
    tol_distance
        Errors this near to the truth are none in the criteria with tolerance; None: twice the longest
        voxel edge.
    channels
        Names of the channels.
    labels
        Segmentation and ground truth hold class labels, and channel i is where the label is i. Otherwise
        they hold one channel each, foreground above 0.
    headline
        Criteria by which the best iteration and parameters are looked for.
    block_voxels
        Arrays with more voxels than this are evaluated in blocks of about so many.
    """

    clip_distance: Length | None = field(validator=_check_length)
    tol_distance: Length | None = field(validator=_check_length)
    channels: tuple[str, ...] = field(converter=_names)
    labels: bool = field(default=False, kw_only=True)
    headline: tuple[str, ...] = field(default=HEADLINE, converter=_names, validator=_check_headline, kw_only=True)
    block_voxels: int = field(default=2**24, kw_only=True)

    @property
    def criteria(self) -> list[str]:
        """The headline of each channel: ``"<channel>__<criterion>"``."""
        return [f"{channel}__{criterion}" for channel in self.channels for criterion in self.headline]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the channels."""
        return self.channels

    @property
    def score(self) -> MultiChannelBinarySegmentationEvaluationScores:
        """Scores with every value undefined: they know the criteria."""
        return self._named({} for _ in self.channels)

    def sweep(
        self, outputs: Iterable[NDArray[Any]], evaluation_array: Array, mask: NDArray[Any] | None = None
    ) -> Iterator[MultiChannelBinarySegmentationEvaluationScores]:
        """Yield the scores of each output; what only depends on the ground truth is computed once.

        All thresholds of `LevelSets` are counted in one pass. Of those, criteria with distances are computed
        for what is best by a criterion of the headline, of a channel or as their mean, for all if the headline has
        such a criterion, and are NaN otherwise.

        Raises
        ------
        DataError
            If the ground truth, the mask or an output doesn't fit the channels, the ground truth holds labels of no
            class where it is judged, or an output has NaN.
        """
        size, units = evaluation_array.voxel_size, evaluation_array.units
        judged = self._judged(mask, tuple(evaluation_array.roi.shape / size))
        true_channels = self._true_channels(evaluation_array, evaluation_array.roi, judged)
        truths = [BinaryTruth.of(truth, size, part) for truth, part in zip(true_channels, judged, strict=True)]
        limits = self._limits(size, units)
        if isinstance(outputs, LevelSets) and not self.labels:
            yield from self._sweep_level_sets(outputs, truths, limits)
            return
        for output in outputs:
            tests = self._channels_of(output, truths[0].truth.shape)
            yield self._named(binary_scores(test, truth, **limits) for test, truth in zip(tests, truths, strict=True))

    def _sweep_level_sets(
        self, levels: LevelSets, truths: Sequence[BinaryTruth], limits: dict[str, float]
    ) -> Iterator[MultiChannelBinarySegmentationEvaluationScores]:
        values = self._each_channel(levels.values, truths[0].truth.shape)
        channels = [LevelSets(channel, levels.thresholds) for channel in values]
        counts = [level_set_counts(channel, truth) for channel, truth in zip(channels, truths, strict=True)]
        overlaps = [self._named(map(overlap_scores, settings)) for settings in zip(*counts, strict=True)]
        wanted = self._worth_distances(overlaps)
        swept = [
            level_set_scores(channel, truth, counted, wanted, **limits)
            for channel, truth, counted in zip(channels, truths, counts, strict=True)
        ]
        for scores in zip(*swept, strict=True):
            yield self._named(scores)

    def _worth_distances(self, scores: Sequence[MultiChannelBinarySegmentationEvaluationScores]) -> set[int]:
        """Return the settings whose criteria with distances were asked for, given the overlap scores of all.

        All channels are measured at those that are best for one of them, or for their mean: so means are defined too.
        """
        if set(self.headline) & set(DISTANCE_CRITERIA):
            return set(range(len(scores)))
        names = [*self.criteria, *self.headline]
        return {_best([score.value(name) for score in scores], criterion_of(name)) for name in names}

    def score_blockwise(
        self, output: Array, evaluation_array: Array, mask: Array | None
    ) -> MultiChannelBinarySegmentationEvaluationScores:
        """Return the scores of one output; memory grows with `block_voxels`, not with the arrays.

        Raises
        ------
        DataError
            If the ground truth, the mask or the output doesn't fit the channels, or the output has NaN.
        """
        size = evaluation_array.voxel_size
        shape = tuple(evaluation_array.roi.shape / size)

        def read(box: Box) -> list[Pair]:
            region = evaluation_array.region(box)
            part = tuple(region.shape / size)
            judged = self._judged(None if mask is None else mask.to_ndarray(region, fill_value=0), part)
            truths = self._true_channels(evaluation_array, region, judged)
            tests = self._channels_of(output[region], part)
            return [Pair(*sides) for sides in zip(tests, truths, judged, strict=True)]

        block = block_shape(shape, self.block_voxels)
        return self._named(blockwise_scores(read, shape, size, block, **self._limits(size, evaluation_array.units)))

    def _limits(self, voxel_size: Sequence[float], units: str) -> dict[str, float]:
        longest = max(voxel_size)
        return {
            "clip_distance": _length(self.clip_distance, CLIP_VOXELS * longest, units),
            "tol_distance": _length(self.tol_distance, TOLERANCE_VOXELS * longest, units),
        }

    def _named(self, scores: Iterable[dict[str, float]]) -> MultiChannelBinarySegmentationEvaluationScores:
        named = zip(self.channels, map(BinarySegmentationEvaluationScores.from_dict, scores), strict=True)
        return MultiChannelBinarySegmentationEvaluationScores(tuple(named))

    def _true_channels(
        self, truth: Array, roi: Roi, judged: Sequence[NDArray[np.bool_] | None]
    ) -> Sequence[NDArray[np.bool_]]:
        if not self.labels:
            return list(binary_channels(truth, roi, self.channels))
        masks = [mask for mask in judged if mask is not None]
        # where one of the classes is not annotated, a voxel of no other may be of that
        labels = class_labels(truth, roi, self.channels, np.logical_and.reduce(masks) if masks else None)
        return [labels == position for position in range(len(self.channels))]

    def _channels_of(self, output: NDArray[Any], shape: tuple[int, ...]) -> Sequence[NDArray[np.bool_]]:
        channels = self._each_channel(output, shape)
        if not self.labels:
            return [channel > 0 for channel in channels]
        return [channels[0] == position for position in range(len(self.channels))]

    def _each_channel(self, output: NDArray[Any], shape: tuple[int, ...]) -> Sequence[NDArray[Any]]:
        count = 1 if self.labels else len(self.channels)
        if output.size != count * np.prod(shape) or output.shape[-len(shape) :] != shape:
            raise DataError(
                f"the segmentation has shape {output.shape}, the ground truth {shape} with {count} channel(s): they "
                "can't be compared voxel by voxel; check that both cover the same region and channels"
            )
        if output.dtype.kind == "f" and output.size and isnan(output.max()):
            raise DataError(
                f"the output has {np.count_nonzero(np.isnan(output))} voxels that are NaN: they are neither foreground "
                "nor background, and scores would be of the others alone; a network whose weights are NaN predicts "
                "them: train with a lower learning rate, or start from an earlier checkpoint"
            )
        return list(output.reshape(count, *shape))

    def _judged(self, mask: NDArray[Any] | None, shape: tuple[int, ...]) -> Sequence[NDArray[np.bool_] | None]:
        if mask is None:
            return [None] * len(self.channels)
        judged = (mask > 0).reshape(-1, *mask.shape[-len(shape) :])
        if judged.shape[1:] != shape or len(judged) not in (1, len(self.channels)):
            raise DataError(
                f"the mask has shape {mask.shape}, the ground truth {shape} with {len(self.channels)} channel(s): it "
                "is not known which voxels are to be judged; give one mask for all channels, or one for each"
            )
        return [judged[position % len(judged)] for position in range(len(self.channels))]


def _best(values: Sequence[float], criterion: str) -> int:
    """Return the position of the best value, the first of equals; an undefined one is the worst."""
    sign = 1 if BinarySegmentationEvaluationScores.higher_is_better(criterion) else -1
    return max(range(len(values)), key=lambda position: -np.inf if isnan(values[position]) else sign * values[position])


def _length(length: Length | None, default: float, units: str) -> float:
    return default if length is None else length_in(length, units)
