"""The numbers that say how good a segmentation is."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Self, cast

from attrs import AttrsInstance, fields_dict

from dalsegno.errors import ConfigError

__all__ = ["EvaluationScores"]

Bounds = tuple[int | float | None, int | float | None]


class EvaluationScores(ABC):
    """Base of all scores: one value for each criterion, NaN where it is undefined.

    Subclasses are attrs classes with a field for each criterion; those whose criteria are others override `names`, or
    what is read from it.

    Attributes
    ----------
    judged
        What the scores are of, for messages.
    """

    judged: ClassVar[str] = "these scores"

    @classmethod
    def names(cls) -> list[str]:
        """Return the names of the criteria that all such scores have, in the order in which they are stored."""
        return list(_fields(cls))

    @classmethod
    def checked(cls, criterion: str) -> str:
        """Return the name of a criterion.

        Raises
        ------
        ConfigError
            If there is no such criterion.
        """
        if criterion not in cls.names():
            raise ConfigError(f"{cls.judged} have no criterion {criterion!r}; choose one of {', '.join(cls.names())}")
        return criterion

    @property
    def criteria(self) -> list[str]:
        """Names of the criteria, in the order in which they are stored."""
        return self.names()

    @classmethod
    @abstractmethod
    def higher_is_better(cls, criterion: str) -> bool:
        """Return whether a larger value is better."""

    @classmethod
    @abstractmethod
    def bounds(cls, criterion: str) -> Bounds:
        """Return the least and the largest value possible; NaN where there is no bound."""

    @classmethod
    @abstractmethod
    def store_best(cls, criterion: str) -> bool:
        """Return whether the weights that are best by this criterion are worth keeping."""

    def value(self, criterion: str) -> float:
        """Return the value of a criterion.

        Raises
        ------
        ConfigError
            If there is no such criterion.
        """
        value: float = getattr(self, self.checked(criterion))
        return value

    def as_dict(self) -> dict[str, float]:
        """Return the value of every criterion."""
        return {criterion: self.value(criterion) for criterion in self.criteria}

    @classmethod
    def from_dict(cls, values: Mapping[str, float]) -> Self:
        """Return the scores that `as_dict` wrote down; what is missing is NaN, what follows from others is left out.

        Raises
        ------
        ConfigError
            If there is no such criterion.
        """
        stored = _fields(cls)
        return cls(**{name: value for name, value in values.items() if cls.checked(name) in stored})


def _fields(scores: type[EvaluationScores]) -> dict[str, Any]:
    return dict(fields_dict(cast(type[AttrsInstance], scores)))
