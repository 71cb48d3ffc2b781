"""The numbers that say how good a segmentation is."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Self

__all__ = ["EvaluationScores"]

Bounds = tuple[int | float | None, int | float | None]


class EvaluationScores(ABC):
    """Base of all scores: one value for each criterion, NaN where it is undefined."""

    @property
    @abstractmethod
    def criteria(self) -> list[str]:
        """Names of the criteria, in the order in which they are stored."""

    @staticmethod
    @abstractmethod
    def higher_is_better(criterion: str) -> bool:
        """Return whether a larger value is better."""

    @staticmethod
    @abstractmethod
    def bounds(criterion: str) -> Bounds:
        """Return the least and the largest value possible; NaN where there is no bound."""

    @staticmethod
    @abstractmethod
    def store_best(criterion: str) -> bool:
        """Return whether the weights that are best by this criterion are worth keeping."""

    @abstractmethod
    def value(self, criterion: str) -> float:
        """Return the value of a criterion.

        Raises
        ------
        ConfigError
            If these scores have no such criterion.
        """

    def as_dict(self) -> dict[str, float]:
        """Return the value of every criterion."""
        return {criterion: self.value(criterion) for criterion in self.criteria}

    @classmethod
    @abstractmethod
    def from_dict(cls, values: Mapping[str, float]) -> Self:
        """Return the scores that `as_dict` wrote down; what is missing is NaN."""
