"""Where the statistics of training and the scores of validation are kept, as plain rows.

The training row with iteration *i* tells of the step from *i* to *i + 1* steps done; the scores with
iteration *k* judge the weights after *k* steps. A run that goes on from a checkpoint at *k* does the steps
from *k* on again, so training rows from *k* on, and scores after *k*, no longer count.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from dalsegno.store.names import check_name
from dalsegno.store.records import append_records, read_records, records_from_the_end

__all__ = ["FileStatsStore", "Row", "StatsStore"]

Row = dict[str, Any]
"""Texts, numbers, lists and dicts; ``"iteration"`` is an int. Floats may be nan or infinite."""

_UNDONE = "undone_from"


class StatsStore(ABC):
    """Keeps the rows of each run. What was written last about an iteration is what counts."""

    @abstractmethod
    def append_training(self, run: str, rows: Iterable[Row]) -> None:
        """Add training rows in one write.

        Raises
        ------
        StoreError
            If the store can't be written; `StoreFull` if there is no room.
        """

    @abstractmethod
    def training(self, run: str) -> list[Row]:
        """Return the training rows, sorted by iteration, each iteration once."""

    @abstractmethod
    def last_training(self, run: str) -> Row | None:
        """Return the training row of the highest iteration, without reading all."""

    @abstractmethod
    def append_scores(self, run: str, record: Row) -> None:
        """Add the scores of one whole validation.

        Raises
        ------
        StoreError
            If the store can't be written; `StoreFull` if there is no room.
        """

    @abstractmethod
    def scores(self, run: str) -> list[Row]:
        """Return the records of all validations, sorted by iteration, each iteration once."""

    @abstractmethod
    def rewind(self, run: str, iteration: int) -> None:
        """Let a run go on from an iteration: what was written about later steps no longer counts."""


class FileStatsStore(StatsStore):
    """Keeps the rows of a run in ``<root>/runs/<run>/training.jsonl`` and ``validation.jsonl``."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def append_training(self, run: str, rows: Iterable[Row]) -> None:
        """Add one line for each row."""
        append_records(self._training(run), sorted(rows, key=_iteration))

    def training(self, run: str) -> list[Row]:
        """Read all lines."""
        return _valid(read_records(self._training(run)))

    def last_training(self, run: str) -> Row | None:
        """Read lines from the end until one counts."""
        undone = float("inf")
        for record in records_from_the_end(self._training(run)):
            undone = min(undone, record.get(_UNDONE, undone))
            if "iteration" in record and record["iteration"] < undone:
                return record
        return None

    def append_scores(self, run: str, record: Row) -> None:
        """Add one line."""
        append_records(self._validation(run), [record])

    def scores(self, run: str) -> list[Row]:
        """Read all lines."""
        return _valid(read_records(self._validation(run)))

    def rewind(self, run: str, iteration: int) -> None:
        """Add a line that says from where on the ones before it do not count, if there are such."""
        for path, undone in ((self._training(run), iteration), (self._validation(run), iteration + 1)):
            if any(_iteration(row) >= undone for row in _valid(read_records(path))):
                append_records(path, [{_UNDONE: undone}])

    def _training(self, run: str) -> Path:
        return self.root / "runs" / check_name(run, "run") / "training.jsonl"

    def _validation(self, run: str) -> Path:
        return self.root / "runs" / check_name(run, "run") / "validation.jsonl"


def _valid(records: list[Row]) -> list[Row]:
    rows: dict[int, Row] = {}
    for record in records:
        if _UNDONE in record:
            rows = {iteration: row for iteration, row in rows.items() if iteration < record[_UNDONE]}
        elif "iteration" in record:
            rows[record["iteration"]] = record
    return sorted(rows.values(), key=_iteration)


def _iteration(row: Row) -> int:
    return int(row["iteration"])
