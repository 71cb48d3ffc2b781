"""Made-up scores, for tests."""

from collections.abc import Mapping
from math import nan
from typing import Self

from attrs import fields_dict, frozen

from dalsegno.errors import ConfigError
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

    frizz_level: float = nan
    blipp_score: float = nan

    @property
    def criteria(self) -> list[str]:
        """Names of both criteria."""
        return list(fields_dict(type(self)))

    @staticmethod
    def higher_is_better(criterion: str) -> bool:
        """Return True for the frizz level."""
        return _known(criterion) == "frizz_level"

    @staticmethod
    def bounds(criterion: str) -> Bounds:
        """Return 0 and 1."""
        _known(criterion)
        return 0, 1

    @staticmethod
    def store_best(criterion: str) -> bool:
        """Return True."""
        _known(criterion)
        return True

    def value(self, criterion: str) -> float:
        """Return the value of a criterion.

        Raises
        ------
        ConfigError
            If there is no such criterion.
        """
        value: float = getattr(self, _known(criterion))
        return value

    @classmethod
    def from_dict(cls, values: Mapping[str, float]) -> Self:
        """Return the scores that `as_dict` wrote down; what is missing is NaN.

        Raises
        ------
        ConfigError
            If there is no such criterion.
        """
        return cls(**{_known(criterion): value for criterion, value in values.items()})


def _known(criterion: str) -> str:
    names = fields_dict(DummyEvaluationScores)
    if criterion not in names:
        raise ConfigError(f"dummy scores have no criterion {criterion!r}; choose one of {', '.join(names)}")
    return criterion
