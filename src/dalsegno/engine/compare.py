"""What runs have achieved, from the store alone: no network, no data."""

from typing import Any

from attrs import frozen

from dalsegno.errors import ConfigError, StoreError
from dalsegno.experiments.channel_scores import channel_of, criterion_of
from dalsegno.experiments.training_stats import TrainingStats
from dalsegno.experiments.validation_scores import ScoreRow, ValidationScores
from dalsegno.store.run_lock import is_locked
from dalsegno.store.stores import Stores

__all__ = [
    "RunRecord",
    "best_scores",
    "common_criterion",
    "curves",
    "has_ended",
    "judged_alike",
    "read_run",
    "score_row",
    "summary",
]


@frozen
class RunRecord:
    """What the store holds of a run.

    Attributes
    ----------
    name
        Name of the run.
    config
        Its stored config, as plain values.
    scores
        All its score rows.
    headline
        Criteria that the run's evaluator puts first.
    """

    name: str
    config: dict[str, Any]
    scores: ValidationScores
    headline: tuple[str, ...]

    @property
    def primary(self) -> str:
        """Criterion to choose by if no other is named: the evaluator's first; any name before the first validation."""
        return next(iter(self.headline), "score")


def read_run(stores: Stores, name: str) -> RunRecord:
    """Return what the store holds of a run.

    Raises
    ------
    StoreError
        If there is no such run.
    """
    config = stores.configs.get("runs", name)
    records = stores.stats.scores(name)
    headline = dict.fromkeys(criterion for record in records for criterion in record.get("headline", ()))
    return RunRecord(name, config, ValidationScores.from_records(records), tuple(headline))


def has_ended(config: dict[str, Any], checkpoints: list[int], validated: list[int]) -> bool:
    """Return whether the last checkpoint and the last scores of a run are there.

    Parameters
    ----------
    config
        The run's config as plain values.
    checkpoints, validated
        Iterations of both.
    """
    total = config["num_iterations"]
    has_data = bool(config["datasplit_config"].get("validate_configs", True))
    return total in checkpoints and (total in validated or not has_data)


def summary(stores: Stores, name: str) -> dict[str, Any]:
    """Return one line about a run: how far it is, its last loss, and its best headline scores."""
    run = read_run(stores, name)
    total = int(run.config["num_iterations"])
    last = stores.stats.last_training(name)
    done = int(last["iteration"]) + 1 if last else 0
    finished = has_ended(run.config, stores.weights.iterations(name), run.scores.validated_iterations)
    state = "running" if is_locked(stores.root, name) else "finished" if finished else "stopped"
    best = {criterion: run.scores.best(criterion) for criterion in run.headline}
    return {
        "name": name,
        "state": state,
        "iteration": done,
        "of": total,
        "loss": last["loss"] if last else None,
        **{criterion: row.value(criterion) if row else None for criterion, row in best.items()},
    }


def common_criterion(records: list[RunRecord]) -> str:
    """Return the criterion that runs are compared by if none is named: the first of a run that all scored runs have.

    Raises
    ------
    ConfigError
        If they share none.
    """
    scored = [record for record in records if record.scores.rows]
    for record in scored:
        if all(record.primary in other.scores.bare_criteria for other in scored):
            return record.primary
    if not scored:
        return "score"
    shared = set.intersection(*(set(record.scores.bare_criteria) for record in scored))
    told = (
        f"name one that they share (--criterion): {', '.join(sorted(shared))}" if shared else "they share no criterion"
    )
    judged = ", ".join(f"{record.name} by {record.primary}" for record in scored)
    raise ConfigError(f"the runs are judged differently, {judged}, so their first criteria can't be compared; {told}")


def judged_alike(records: list[RunRecord]) -> bool:
    """Return whether the scores of runs mean the same: the same criteria, whatever the channels."""
    return len({frozenset(record.scores.bare_criteria) for record in records if record.scores.rows}) <= 1


def best_scores(stores: Stores, names: list[str], criterion: str) -> list[dict[str, Any]]:
    """Return the best iteration and parameters of each run, for each dataset and for their mean.

    Raises
    ------
    StoreError
        If there is no such run.
    ConfigError
        If a run has no such criterion.
    """
    rows = []
    for name in names:
        scores = read_run(stores, name).scores
        try:
            scores.check_criterion(criterion)
        except ConfigError as error:
            raise ConfigError(f"run {name!r}: {error}") from error
        datasets: list[str | None] = list(scores.datasets)
        for dataset in datasets + ([None] if len(datasets) > 1 else []):
            best = scores.best(criterion, dataset)
            if best is not None:
                rows.append({"run": name, **score_row(best, criterion, scores.varied_parameters)})
        if not any(row["run"] == name for row in rows):
            rows.append({"run": name, "dataset": "not scored yet"})
    return rows


def score_row(row: ScoreRow, criterion: str, parameters: list[str]) -> dict[str, Any]:
    """Return a score as one flat row of a table, with some parameters, and each channel's value behind the mean."""
    channels = {
        name: value for name, value in row.scores.items() if channel_of(name) and criterion_of(name) == criterion
    }
    shown = channels if len(channels) > 1 else {}
    return {
        "dataset": row.dataset,
        "iteration": row.iteration,
        **{name: row.parameters[name] for name in parameters if name in row.parameters},
        criterion: row.value(criterion),
        **shown,
    }


def curves(
    stores: Stores, name: str, criterion: str
) -> tuple[list[int], list[float], dict[str, list[tuple[int, float]]]]:
    """Return iterations and losses, and for each dataset the best score over the parameters at each validation.

    Raises
    ------
    StoreError
        If nothing is recorded of the run yet.
    """
    stats = TrainingStats.from_rows(stores.stats.training(name)).iteration_stats
    scores = read_run(stores, name).scores
    if not stats:
        raise StoreError(f"nothing is recorded of run {name!r} yet; train it with `dalsegno run`")
    lines: dict[str, list[tuple[int, float]]] = {}
    for dataset in scores.datasets:
        for iteration in scores.validated_iterations:
            best = scores.at(iteration).best(criterion, dataset)
            if best is not None:
                lines.setdefault(dataset, []).append((iteration, best.value(criterion)))
    return [row.iteration for row in stats], [row.loss for row in stats], lines
