"""Scores of a run over iterations, datasets and post-processing parameters; "best" is a function of them."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cached_property
from statistics import fmean
from typing import Any

from attrs import evolve, field, frozen

from dalsegno.errors import ConfigError
from dalsegno.experiments.channel_scores import channel_of, channels_without_truth, criterion_of, mean_over_channels

__all__ = ["BestScore", "OutputIdentifier", "ScoreRow", "ValidationScores", "beats", "output_identifier"]

OutputIdentifier = tuple[str, tuple[tuple[str, Any], ...], str]
"""Dataset, post-processing parameters in order of their names, and criterion."""


def output_identifier(dataset: str, parameters: dict[str, Any], criterion: str) -> OutputIdentifier:
    """Return what a score is about, as a key; the same one if the parameters were stored as JSON in between."""
    return dataset, tuple((name, _hashable(parameters[name])) for name in sorted(parameters)), criterion


def beats(value: float, than: float, *, higher: bool) -> bool:
    """Return whether a value is better than another; an undefined one never is, any other is better than it."""
    if math.isnan(value) or math.isnan(than):
        return not math.isnan(value)
    return value > than if higher else value < than


def _hashable(value: Any) -> Any:
    if isinstance(value, dict):
        return tuple((name, _hashable(value[name])) for name in sorted(value))
    return tuple(map(_hashable, value)) if isinstance(value, list | tuple) else value


@frozen
class BestScore:
    """The best value of a criterion, and the iteration that it was reached at."""

    iteration: int
    value: float


@frozen
class ScoreRow:
    """The scores of one dataset, at one iteration, with one setting of the post-processing.

    Attributes
    ----------
    iteration
        Number of training iterations before the validation.
    dataset
        Name of the dataset.
    parameters
        The post-processing parameters by name.
    scores
        Value of each criterion; NaN where it is undefined.
    """

    iteration: int
    dataset: str
    parameters: dict[str, Any]
    scores: dict[str, float]

    def value(self, criterion: str) -> float:
        """Return a score; a criterion without its channel is the mean over channels, NaN if one is undefined."""
        return mean_over_channels(self.scores, criterion)


@frozen
class ValidationScores:
    """All score rows of a run.

    Attributes
    ----------
    rows
        In the order of validation.
    higher_is_better
        For each criterion whether a larger value is better.
    """

    rows: tuple[ScoreRow, ...] = ()
    higher_is_better: dict[str, bool] = field(factory=dict)

    @classmethod
    def from_records(cls, records: Iterable[dict[str, Any]]) -> "ValidationScores":
        """Return the scores that stored records hold, one record for each validated iteration.

        A dataset whose ground truth has no voxel of a channel has no scores of it. So means over channels and
        datasets are over the same ones at every iteration, whatever was predicted.
        """
        rows: list[ScoreRow] = []
        better: dict[str, bool] = {}
        for record in records:
            better |= record["higher_is_better"]
            for row in record["rows"]:
                scores = {name: math.nan if value is None else value for name, value in row["scores"].items()}
                rows.append(ScoreRow(record["iteration"], row["dataset"], row["parameters"], scores))
        names = _counted_names(rows)
        counted = ({name: row.scores.get(name, math.nan) for name in names[row.dataset]} for row in rows)
        return cls(tuple(evolve(row, scores=scores) for row, scores in zip(rows, counted, strict=True)), better)

    @property
    def validated_iterations(self) -> list[int]:
        """Iterations that have scores, in order."""
        return sorted({row.iteration for row in self.rows})

    @property
    def datasets(self) -> list[str]:
        """Names of the datasets, in order of appearance."""
        return list(dict.fromkeys(row.dataset for row in self.rows))

    @property
    def criteria(self) -> list[str]:
        """Names of the criteria, with their channel where there are channels."""
        return list(dict.fromkeys([*(name for row in self.rows for name in row.scores), *self.higher_is_better]))

    @property
    def bare_criteria(self) -> list[str]:
        """Names of the criteria without channels."""
        return list(dict.fromkeys(map(criterion_of, self.criteria)))

    @property
    def varied_parameters(self) -> list[str]:
        """Names of the parameters that differ between settings, in order of appearance."""
        values: dict[str, list[Any]] = defaultdict(list)
        for row in self.rows:
            for name, value in row.parameters.items():
                values[name].append(value)
        return [name for name, seen in values.items() if name != "id" and any(value != seen[0] for value in seen)]

    def at(self, iteration: int) -> "ValidationScores":
        """Return the scores of one iteration only."""
        return evolve(self, rows=tuple(self._iterations.get(iteration, ())))

    def check_criterion(self, criterion: str) -> None:
        """Refuse a criterion that no row has.

        Raises
        ------
        ConfigError
            If there are scores, but not of this criterion.
        """
        known = self.criteria
        if known and criterion not in known and criterion not in self.bare_criteria:
            raise ConfigError(f"there is no criterion {criterion!r}; choose one of {', '.join(self.bare_criteria)}")

    def is_better(self, value: float, than: float, criterion: str) -> bool:
        """Return whether a score beats another; an undefined one never does."""
        return beats(value, than, higher=self.higher(criterion))

    def higher(self, criterion: str) -> bool:
        """Return whether a larger value of a criterion, with or without its channel, is better."""
        for name, better in self.higher_is_better.items():
            if criterion in (name, criterion_of(name)):
                return better
        return True

    def best(self, criterion: str, dataset: str | None = None) -> ScoreRow | None:
        """Return the best row of a dataset, the earliest of equals; of the mean over datasets without one.

        Parameters
        ----------
        criterion
            With or without the channel (``"mito__f1_score"``, ``"f1_score"``).
        dataset
            Name of a dataset. Without it, rows are joined by iteration and parameters, and the row
            returned holds the mean scores over all datasets.

        Raises
        ------
        ConfigError
            If there is no such criterion.
        """
        self.check_criterion(criterion)
        rows = [row for row in self.rows if row.dataset == dataset] if dataset is not None else self._means
        return self._best_of(rows, criterion)

    def best_of_settings(self, criteria: Iterable[str]) -> dict[OutputIdentifier, BestScore]:
        """Return the best iteration of each dataset, setting of the post-processing, and criterion.

        The earliest of equals; what is undefined at every iteration is left out.
        """
        best = {
            (dataset, setting, criterion): self._best_of(rows, criterion)
            for criterion in criteria
            for (dataset, setting, _), rows in self._settings.items()
        }
        return {key: BestScore(row.iteration, row.value(key[2])) for key, row in best.items() if row is not None}

    def best_of_setting(self, dataset: str, parameters: dict[str, Any], criterion: str) -> BestScore | None:
        """Return the best iteration of one dataset and setting; None if the criterion is defined at none."""
        row = self._best_of(self._settings.get(output_identifier(dataset, parameters, ""), []), criterion)
        return None if row is None else BestScore(row.iteration, row.value(criterion))

    def _best_of(self, rows: Iterable[ScoreRow], criterion: str) -> ScoreRow | None:
        best, best_value = None, math.nan
        for row in rows:
            value = row.value(criterion)
            if self.is_better(value, best_value, criterion):
                best, best_value = row, value
        return best

    @cached_property
    def _settings(self) -> dict[OutputIdentifier, list[ScoreRow]]:
        """The rows of each dataset and setting, without a criterion."""
        settings: dict[OutputIdentifier, list[ScoreRow]] = defaultdict(list)
        for row in self.rows:
            settings[output_identifier(row.dataset, row.parameters, "")].append(row)
        return dict(settings)

    @cached_property
    def _iterations(self) -> dict[int, list[ScoreRow]]:
        """The rows of each iteration."""
        iterations: dict[int, list[ScoreRow]] = defaultdict(list)
        for row in self.rows:
            iterations[row.iteration].append(row)
        return dict(iterations)

    @cached_property
    def _means(self) -> list[ScoreRow]:
        """The rows of each iteration and setting as one, over all datasets."""
        if len(self.datasets) == 1:
            return list(self.rows)
        groups: dict[tuple[int, OutputIdentifier], list[ScoreRow]] = defaultdict(list)
        for row in self.rows:
            groups[row.iteration, output_identifier("", row.parameters, "")].append(row)
        num_datasets = max(map(len, groups.values()), default=0)
        means = []
        for rows in groups.values():
            # undefined on one dataset, or not scored on it, is undefined in the mean: one over others can't be compared
            if len(rows) == num_datasets:
                names = dict.fromkeys(name for row in rows for name in row.scores)
                scores = {name: fmean(row.scores[name] for row in rows if name in row.scores) for name in names}
                means.append(ScoreRow(rows[0].iteration, "all datasets", rows[0].parameters, scores))
        return means


def _counted_names(rows: Sequence[ScoreRow]) -> dict[str, list[str]]:
    """Return for each dataset the names of the scores of all channels that its ground truth has."""
    by_dataset: dict[str, list[dict[str, float]]] = defaultdict(list)
    for row in rows:
        by_dataset[row.dataset].append(row.scores)
    names = dict.fromkeys(name for row in rows for name in row.scores)
    absent = {dataset: channels_without_truth(scores) for dataset, scores in by_dataset.items()}
    return {dataset: [name for name in names if channel_of(name) not in absent[dataset]] for dataset in absent}
