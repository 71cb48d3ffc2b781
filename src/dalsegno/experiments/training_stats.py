"""What a training run records of each iteration."""

from collections.abc import Iterable
from typing import Any

from attrs import asdict, frozen

__all__ = ["TrainingIterationStats", "TrainingStats"]


@frozen
class TrainingIterationStats:
    """One iteration.

    Attributes
    ----------
    iteration
        Counts from 0; iteration *i* is the step from *i* to *i + 1*.
    loss
        Value of the loss.
    time
        Seconds that the iteration took.
    data_time
        Seconds of it that were spent waiting for data.
    learning_rate
        Step size of the optimizer.
    """

    iteration: int
    loss: float
    time: float
    data_time: float = 0.0
    learning_rate: float = 0.0

    def row(self) -> dict[str, Any]:
        """Return the record that is stored."""
        return asdict(self)


@frozen
class TrainingStats:
    """The iterations of a run, each once, in order."""

    iteration_stats: tuple[TrainingIterationStats, ...] = ()

    @classmethod
    def from_rows(cls, rows: Iterable[dict[str, Any]]) -> "TrainingStats":
        """Return the statistics that stored records hold."""
        return cls(tuple(TrainingIterationStats(**row) for row in rows))

    @property
    def trained_until(self) -> int:
        """Number of iterations done."""
        return self.iteration_stats[-1].iteration + 1 if self.iteration_stats else 0
