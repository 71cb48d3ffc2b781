"""Made-up scores, for tests."""

from math import nan
from typing import ClassVar

from attrs import frozen

from dalsegno.experiments.tasks.evaluators.evaluation_scores import Bounds, EvaluationScores

__all__ = ["DummyEvaluationScores"]


@frozen
class DummyEvaluationScores(EvaluationScores):
    """Two scores without a meaning, of which one is better high and one low.

    Attributes
    ----------
    frizz_level
        0 … 1, higher is better.
    blipp_score
        0 … 1, lower is better.
    """

    judged: ClassVar[str] = "dummy scores"

    frizz_level: float = nan
    blipp_score: float = nan

    @classmethod
    def higher_is_better(cls, criterion: str) -> bool:
        """Return True for the frizz level."""
        return cls.checked(criterion) == "frizz_level"

    @classmethod
    def bounds(cls, criterion: str) -> Bounds:
        """Return 0 and 1."""
        cls.checked(criterion)
        return 0, 1

    @classmethod
    def store_best(cls, criterion: str) -> bool:
        """Return True."""
        cls.checked(criterion)
        return True
