"""The least evaluator there can be, for tests."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from attrs import define
from numpy.typing import NDArray

from dalsegno.arrays.array import Array
from dalsegno.experiments.tasks.evaluators.dummy_evaluation_scores import DummyEvaluationScores
from dalsegno.experiments.tasks.evaluators.evaluator import Evaluator, opened
from dalsegno.store.array_store import LocalArrayIdentifier

__all__ = ["DummyEvaluator"]


@define(slots=False)
class DummyEvaluator(Evaluator):
    """Makes scores of the output alone: with m the mean of its absolute values, ``m / (1 + m)`` and ``1 / (1 + m)``.

    The same output has the same scores. The ground truth and the mask are not looked at.
    """

    @property
    def criteria(self) -> list[str]:
        """Frizz level and blipp score."""
        return self.score.criteria

    @property
    def score(self) -> DummyEvaluationScores:
        """Scores with every value undefined: they know the criteria."""
        return DummyEvaluationScores()

    def sweep(
        self,
        outputs: Iterable[NDArray[Any]],
        evaluation_array: Array,  # noqa: ARG002
        mask: NDArray[Any] | None = None,  # noqa: ARG002
    ) -> Iterator[DummyEvaluationScores]:
        """Yield the scores of each output."""
        return map(_scores, outputs)

    def evaluate(
        self,
        output_array_identifier: LocalArrayIdentifier | Array,
        evaluation_dataset: Array,
        mask: Array | None = None,
    ) -> DummyEvaluationScores:
        """Return the scores of one output, which need not cover the region of the ground truth."""
        return self.score_blockwise(opened(output_array_identifier), evaluation_dataset, mask)

    def score_blockwise(
        self,
        output: Array,
        evaluation_array: Array,  # noqa: ARG002
        mask: Array | None,  # noqa: ARG002
    ) -> DummyEvaluationScores:
        """Return the scores of one output."""
        return _scores(output.data)


def _scores(output: NDArray[Any]) -> DummyEvaluationScores:
    level = float(np.abs(output, dtype=np.float64).mean())
    return DummyEvaluationScores(frizz_level=level / (1 + level), blipp_score=1 / (1 + level))
