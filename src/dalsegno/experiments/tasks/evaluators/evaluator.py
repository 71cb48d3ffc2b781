"""How a segmentation is judged against ground truth."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any

from numpy.typing import NDArray

from dalsegno.arrays.array import Array
from dalsegno.arrays.zarr_array import ZarrArray
from dalsegno.errors import DataError
from dalsegno.experiments.channel_scores import criterion_of
from dalsegno.experiments.datasets.dataset import Dataset
from dalsegno.experiments.tasks.evaluators.evaluation_scores import Bounds, EvaluationScores
from dalsegno.experiments.tasks.post_processors.post_processor_parameters import PostProcessorParameters
from dalsegno.experiments.validation_scores import BestScore, OutputIdentifier, ValidationScores, beats
from dalsegno.store.array_store import LocalArrayIdentifier

__all__ = ["Evaluator", "opened"]


class Evaluator(ABC):
    """Compares the output of a post-processor with the ground truth.

    What is best so far is a function of the scores given to `set_best`; nothing else is kept.
    """

    _validation_scores: ValidationScores = ValidationScores()

    @property
    @abstractmethod
    def criteria(self) -> list[str]:
        """Criteria by which the best iteration and parameters are looked for."""

    @property
    def primary(self) -> str:
        """Criterion to choose by if no other is named, without a channel."""
        return criterion_of(self.criteria[0])

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the channels of a segmentation, or of its labels from 0 on; none for instances."""
        return ()

    @property
    @abstractmethod
    def score(self) -> EvaluationScores:
        """Scores with every value undefined: they know the criteria."""

    @abstractmethod
    def sweep(
        self, outputs: Iterable[NDArray[Any]], evaluation_array: Array, mask: NDArray[Any] | None = None
    ) -> Iterator[EvaluationScores]:
        """Yield the scores of several outputs of one prediction; what they share is computed once.

        Parameters
        ----------
        outputs
            Segmentations of shape ``(C, *spatial)`` or ``(*spatial)`` that cover the whole evaluation array.
        evaluation_array
            The ground truth, small enough for memory.
        mask
            Shape ``(*spatial)``, or ``(C, *spatial)`` where channels are judged each for itself; only voxels
            above 0 are judged. All of them without a mask.

        Raises
        ------
        DataError
            If the ground truth or an output doesn't fit the channels.
        """

    @abstractmethod
    def score_blockwise(self, output: Array, evaluation_array: Array, mask: Array | None) -> EvaluationScores:
        """Return the scores of one output, read block by block; arrays of the same region and voxels."""

    def evaluate(
        self,
        output_array_identifier: LocalArrayIdentifier | Array,
        evaluation_array: Array,
        mask: Array | None = None,
    ) -> EvaluationScores:
        """Return the scores of one output, stored or open; memory does not grow with the arrays.

        Parameters
        ----------
        output_array_identifier
            The segmentation.
        evaluation_array
            The ground truth of the same region.
        mask
            Only voxels above 0 are judged, and none outside it. All of them without a mask.

        Raises
        ------
        DataError
            If the arrays differ in axes, region or voxels, the mask in axes or voxels, or they hold no labels that can
            be compared.
        """
        output = opened(output_array_identifier)
        _check_alike(output, evaluation_array)
        if mask is not None:
            _check_mask(mask, evaluation_array)
        return self.score_blockwise(output, evaluation_array, mask)

    @property
    def best_scores(self) -> dict[OutputIdentifier, BestScore]:
        """Best iteration and value of every dataset, setting and criterion seen by `set_best`."""
        return self._validation_scores.best_of_settings(self.criteria)

    def set_best(self, validation_scores: ValidationScores) -> None:
        """Take the scores from which the best iteration of each dataset, setting and criterion follows."""
        self._validation_scores = validation_scores

    def is_best(
        self,
        dataset: Dataset | str,
        parameter: PostProcessorParameters,
        criterion: str,
        score: EvaluationScores | float,
    ) -> bool:
        """Return whether a score beats the best of its dataset, setting and criterion; an undefined one does not."""
        value = score.value(criterion) if isinstance(score, EvaluationScores) else score
        best = self._validation_scores.best_of_setting(_name(dataset), parameter.as_dict(), criterion)
        return self.compare(value, math.nan if best is None else best.value, criterion)

    def get_overall_best(self, dataset: Dataset | str, criterion: str) -> float | None:
        """Return the best value on a dataset, over all iterations and settings; None without a score."""
        best = self._validation_scores.best(criterion, _name(dataset))
        return None if best is None else best.value(criterion)

    def get_overall_best_parameters(self, dataset: Dataset | str, criterion: str) -> dict[str, Any] | None:
        """Return the parameters of the best score on a dataset, by name; None without a score."""
        best = self._validation_scores.best(criterion, _name(dataset))
        return None if best is None else best.parameters

    def compare(self, score_1: float, score_2: float, criterion: str) -> bool:
        """Return whether the first value is better than the second; an undefined value is never better."""
        return beats(score_1, score_2, higher=self.higher_is_better(criterion))

    def higher_is_better(self, criterion: str) -> bool:
        """Return whether a larger value is better."""
        return self.score.higher_is_better(criterion)

    def bounds(self, criterion: str) -> Bounds:
        """Return the least and the largest value possible; NaN where there is no bound."""
        return self.score.bounds(criterion)

    def store_best(self, criterion: str) -> bool:
        """Return whether the weights that are best by this criterion are worth keeping."""
        return self.score.store_best(criterion)


def opened(output: LocalArrayIdentifier | Array) -> Array:
    """Return an output that is stored or open already."""
    return ZarrArray.open_from_array_identifier(output) if isinstance(output, LocalArrayIdentifier) else output


def _name(dataset: Dataset | str) -> str:
    return dataset if isinstance(dataset, str) else dataset.name


def _check_alike(output: Array, truth: Array) -> None:
    """Refuse arrays that can't be compared voxel by voxel."""
    if truth.roi.empty:
        raise DataError(
            f"the ground truth covers {truth.roi}, which has no voxel: there is nothing to judge; check its crop"
        )
    _check_axes("output", output, truth)
    if output.voxel_size != truth.voxel_size or output.units != truth.units:
        raise DataError(
            f"the output has voxels of {output.voxel_size} {output.units}, the ground truth of "
            f"{truth.voxel_size} {truth.units}: they can't be compared voxel by voxel; "
            "resample one of them with ResampledArray"
        )
    if output.roi != truth.roi:
        shared = output.roi.intersect(truth.roi)
        advice = "they share nothing: check the offsets of both" if shared.empty else f"crop both to {shared}"
        raise DataError(
            f"the output covers {output.roi} {output.units}, the ground truth {truth.roi}: what only one of them has "
            f"can't be judged; {advice} (CropArray)"
        )


def _check_axes(what: str, given: Array, truth: Array) -> None:
    """Refuse an array whose axes are others than those of the ground truth, or in another order."""
    if given.spatial_axes != truth.spatial_axes:
        raise DataError(
            f"the {what} has the axes {', '.join(given.spatial_axes)}, the ground truth "
            f"{', '.join(truth.spatial_axes)}: voxels at other places would be compared; store both with the same "
            "axes, or name those that are meant with `axes`"
        )


def _check_mask(mask: Array, truth: Array) -> None:
    """Refuse a mask whose voxels are not those of the ground truth."""
    _check_axes("mask", mask, truth)
    if mask.voxel_size != truth.voxel_size or mask.units != truth.units:
        raise DataError(
            f"the mask has voxels of {mask.voxel_size} {mask.units}, the ground truth of {truth.voxel_size} "
            f"{truth.units}: it does not say of each voxel whether it is judged; resample it with ResampledArray"
        )
    if any((mask.roi.begin - truth.roi.begin) % truth.voxel_size):
        raise DataError(
            f"the mask begins at {mask.roi.begin} {mask.units}, the ground truth at {truth.roi.begin} with voxels of "
            f"{truth.voxel_size}: its voxels lie between those that are judged; correct the `offset` of one of them"
        )
