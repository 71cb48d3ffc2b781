"""Judges segmentations channel by channel: foreground against background."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from attrs import define, field
from numpy.typing import NDArray

from dalsegno.arrays.array import Array
from dalsegno.arrays.numpy_array import NumpyArray
from dalsegno.errors import DataError
from dalsegno.experiments.tasks.evaluators.binary_segmentation_evaluation_scores import (
    BinarySegmentationEvaluationScores,
)
from dalsegno.experiments.tasks.evaluators.evaluator import Evaluator
from dalsegno.experiments.tasks.evaluators.multi_channel_binary_segmentation_evaluation_scores import (
    MultiChannelBinarySegmentationEvaluationScores,
)
from dalsegno.experiments.tasks.ground_truth import binary_channels, class_labels
from dalsegno.ops.binary_metrics import BinaryTruth, binary_scores
from dalsegno.units import Length, length_in

__all__ = ["BinarySegmentationEvaluator"]

CLIP_VOXELS = 10
TOLERANCE_VOXELS = 2


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
    """

    clip_distance: Length | None
    tol_distance: Length | None
    channels: tuple[str, ...]
    labels: bool = field(default=False, kw_only=True)

    @property
    def criteria(self) -> list[str]:
        """F1 score, Jaccard index and variation of information of each channel."""
        return [f"{channel}__{criterion}" for channel in self.channels for criterion in ("f1_score", "jaccard", "voi")]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the channels, or of the class labels."""
        return self.channels

    @property
    def score(self) -> MultiChannelBinarySegmentationEvaluationScores:
        """Scores with every value undefined: they know the criteria."""
        undefined = BinarySegmentationEvaluationScores()
        return MultiChannelBinarySegmentationEvaluationScores(tuple((name, undefined) for name in self.channels))

    def sweep(
        self, outputs: Iterable[NDArray[Any]], evaluation_array: Array, mask: NDArray[Any] | None = None
    ) -> Iterator[MultiChannelBinarySegmentationEvaluationScores]:
        """Yield the scores of each output; the ground truth's distances and counts are computed once.

        Raises
        ------
        DataError
            If the ground truth or an output doesn't fit the channels.
        """
        size, units = evaluation_array.voxel_size, evaluation_array.units
        distances = {
            "clip_distance": _length(self.clip_distance, CLIP_VOXELS * max(size), units),
            "tol_distance": _length(self.tol_distance, TOLERANCE_VOXELS * max(size), units),
        }
        judged = None if mask is None else mask > 0
        truths = [BinaryTruth.of(truth, size, judged) for truth in self._true_channels(evaluation_array)]
        for output in outputs:
            tests = self._channels_of(output, truths[0].truth.shape)
            scores = [binary_scores(test, truth, **distances) for test, truth in zip(tests, truths, strict=True)]
            named = zip(self.channels, map(BinarySegmentationEvaluationScores.from_dict, scores), strict=True)
            yield MultiChannelBinarySegmentationEvaluationScores(tuple(named))

    def score_blockwise(
        self, output: Array, evaluation_array: Array, mask: Array | None
    ) -> MultiChannelBinarySegmentationEvaluationScores:
        """Return the scores of one output."""
        roi = evaluation_array.roi
        truth = NumpyArray.from_np_array(
            evaluation_array[roi], roi, evaluation_array.voxel_size, evaluation_array.axes, units=evaluation_array.units
        )
        judged = None if mask is None else mask.to_ndarray(roi, fill_value=0)
        return next(self.sweep([output[roi]], truth, judged))

    def _true_channels(self, truth: Array) -> Iterable[NDArray[np.bool_]]:
        if not self.labels:
            return binary_channels(truth, truth.roi, self.channels)
        labels = class_labels(truth, truth.roi, self.channels)
        return [labels == position for position in range(len(self.channels))]

    def _channels_of(self, output: NDArray[Any], shape: tuple[int, ...]) -> Iterable[NDArray[np.bool_]]:
        count = 1 if self.labels else len(self.channels)
        if output.size != count * np.prod(shape) or output.shape[-len(shape) :] != shape:
            raise DataError(
                f"the segmentation has shape {output.shape}, the ground truth {shape} with {count} channel(s): they "
                "can't be compared voxel by voxel; check that both cover the same region and channels"
            )
        if not self.labels:
            foreground: NDArray[np.bool_] = output.reshape(count, *shape) > 0
            return foreground
        return (output.reshape(shape) == position for position in range(len(self.channels)))


def _length(length: Length | None, default: float, units: str) -> float:
    return default if length is None else length_in(length, units)
