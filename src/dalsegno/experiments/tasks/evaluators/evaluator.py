"""How a segmentation is judged against ground truth."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any

from numpy.typing import NDArray

from dalsegno.arrays.array import Array
from dalsegno.arrays.numpy_array import NumpyArray
from dalsegno.arrays.zarr_array import ZarrArray
from dalsegno.errors import DataError
from dalsegno.experiments.tasks.evaluators.evaluation_scores import Bounds, EvaluationScores
from dalsegno.store.array_store import LocalArrayIdentifier

__all__ = ["Evaluator"]


class Evaluator(ABC):
    """Compares the output of a post-processor with the ground truth."""

    @property
    @abstractmethod
    def criteria(self) -> list[str]:
        """Criteria by which the best iteration and parameters are looked for."""

    @property
    @abstractmethod
    def score(self) -> EvaluationScores:
        """Scores with every value undefined: they know the criteria."""

    @abstractmethod
    def sweep(
        self, outputs: Iterable[NDArray[Any]], evaluation_array: Array, mask: NDArray[Any] | None = None
    ) -> Iterator[EvaluationScores]:
        """Yield the scores of several outputs; what depends on the ground truth alone is computed once.

        Parameters
        ----------
        outputs
            Segmentations of shape ``(C, *spatial)`` or ``(*spatial)`` that cover the whole evaluation array.
        evaluation_array
            The ground truth.
        mask
            Shape ``(*spatial)``; only voxels above 0 are judged. All of them without a mask.

        Raises
        ------
        DataError
            If the ground truth or an output doesn't fit the channels.
        """

    def evaluate(
        self, output_array_identifier: LocalArrayIdentifier | Array, evaluation_array: Array
    ) -> EvaluationScores:
        """Return the scores of one stored output, where both arrays have data.

        Raises
        ------
        DataError
            If the arrays don't overlap or their voxels differ.
        """
        output = output_array_identifier
        if isinstance(output, LocalArrayIdentifier):
            output = ZarrArray.open_from_array_identifier(output)
        if output.voxel_size != evaluation_array.voxel_size or output.units != evaluation_array.units:
            raise DataError(
                f"the output has voxels of {output.voxel_size} {output.units}, the ground truth of "
                f"{evaluation_array.voxel_size} {evaluation_array.units}: they can't be compared voxel by voxel; "
                "resample one of them with ResampledArray"
            )
        roi = output.roi.intersect(evaluation_array.roi)
        if roi.empty:
            raise DataError(
                f"the output covers {output.roi}, the ground truth {evaluation_array.roi}: nothing to compare; "
                "check the offsets of both"
            )
        truth = NumpyArray.from_np_array(
            evaluation_array[roi], roi, evaluation_array.voxel_size, evaluation_array.axes, units=evaluation_array.units
        )
        return next(self.sweep([output[roi]], truth))

    def compare(self, score_1: float, score_2: float, criterion: str) -> bool:
        """Return whether the first value is better than the second; an undefined value is never better."""
        if math.isnan(score_1) or math.isnan(score_2):
            return math.isnan(score_2) and not math.isnan(score_1)
        return score_1 > score_2 if self.higher_is_better(criterion) else score_1 < score_2

    def higher_is_better(self, criterion: str) -> bool:
        """Return whether a larger value is better."""
        return self.score.higher_is_better(criterion)

    def bounds(self, criterion: str) -> Bounds:
        """Return the least and the largest value possible; NaN where there is no bound."""
        return self.score.bounds(criterion)

    def store_best(self, criterion: str) -> bool:
        """Return whether the weights that are best by this criterion are worth keeping."""
        return self.score.store_best(criterion)
