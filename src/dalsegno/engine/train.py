"""Training with checkpoints and validation; stopped at any moment, it goes on from the last checkpoint."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import torch
from attrs import define, field, frozen

from dalsegno.compute.threads import available_cores, limit_threads
from dalsegno.engine.compare import has_ended
from dalsegno.engine.device import choose_device
from dalsegno.engine.validate import OnTile, validate, validation_record
from dalsegno.errors import WorkerLost
from dalsegno.experiments.run import Run, RunConfig
from dalsegno.experiments.training_stats import TrainingIterationStats
from dalsegno.store.converter import unstructure
from dalsegno.store.run_lock import RunLock
from dalsegno.store.stores import Stores

__all__ = ["Finished", "Resumed", "Stopped", "Validated", "Validating", "is_finished", "train"]

FLUSH_SECONDS = 2.0
CHECKPOINT_SECONDS = 30.0


@frozen
class Resumed:
    """Training starts, after so many iterations that were done before."""

    iteration: int


@frozen
class Validating:
    """A validation begins after so many iterations."""

    iteration: int


@frozen
class Validated:
    """A validation is stored."""

    iteration: int
    rows: list[dict[str, Any]]


@frozen
class Stopped:
    """Training was asked to stop; everything up to this iteration is stored."""

    iteration: int


@frozen
class Finished:
    """All iterations are done and validated."""

    iteration: int


Event = Resumed | TrainingIterationStats | Validating | Validated | Stopped | Finished


def train(
    config: RunConfig,
    stores: Stores,
    *,
    device: torch.device | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    on_tile: OnTile | None = None,
) -> Iterator[Event]:
    """Train a run to its end, yielding what happens.

    Parameters
    ----------
    config
        The run. Its config is stored once its parts are built.
    stores
        Where configs, statistics, scores and checkpoints are kept.
    device
        Where to compute; the GPU if there is one.
    should_stop
        Asked after every iteration and tile; if true, training stops, with a checkpoint.
    on_tile
        Called as validation proceeds: name of the dataset, tiles done, all tiles.

    Raises
    ------
    NameTaken
        If the name of the run is stored with a different config.
    RunLocked
        If another process trains the run.
    """
    documents = _documents(config)
    for kind, name, document in documents:
        stores.configs.check(kind, name, document)
    with RunLock(stores.root, config.name):
        if is_finished(config, stores):
            yield Finished(config.num_iterations)
            return
        restored = stores.weights.latest(config.name) is not None
        session = _Session(Run(config, restored=restored), stores, device or choose_device())
        # stored last: an experiment that can't be opened takes no name
        for kind, name, document in documents:
            stores.configs.put(kind, name, document)
        yield Resumed(session.resume())
        try:
            yield from session.steps(should_stop, on_tile)
        except _StopRequestedError:
            yield Stopped(session.run.trainer.iteration)


def _documents(config: RunConfig) -> list[tuple[str, str, dict[str, Any]]]:
    """Return kind, name and plain values of a run's named parts, and last of the run."""
    parts: dict[str, Any] = {
        "tasks": config.task_config,
        "architectures": config.architecture_config,
        "trainers": config.trainer_config,
        "datasplits": config.datasplit_config,
        "runs": config,
    }
    return [(kind, part.name, unstructure(part)) for kind, part in parts.items() if part.name]


class _StopRequestedError(Exception):
    """Unwinds a session whose state is stored."""


def is_finished(config: RunConfig, stores: Stores) -> bool:
    """Return whether a run has its last checkpoint, whole, and its last scores."""
    latest = stores.weights.latest(config.name)
    validated = [record["iteration"] for record in stores.stats.scores(config.name)]
    return latest is not None and has_ended(unstructure(config), [latest], validated)


@define
class _Session:
    """One process's work on a run. What is not yet in a checkpoint may be lost, and is then done again."""

    run: Run
    stores: Stores
    device: torch.device
    pending: list[dict[str, Any]] = field(factory=list)
    flushed: float = field(factory=time.monotonic)
    kept: float = field(factory=time.monotonic)

    def resume(self) -> int:
        """Go back to the last whole checkpoint, if there is one; return its iteration."""
        run, name = self.run, self.run.name
        run.model.to(self.device)
        run.trainer.build_batch_provider(
            run.datasplit.train, run.model, run.task, self.stores.arrays.snapshot_container(name)
        )
        latest = self.stores.weights.latest(name)
        if latest is not None:
            model, state = self.stores.weights.get(name, latest)
            run.model.load_state_dict(model)
            run.optimizer.load_state_dict(state["optimizer"])
            run.trainer.load_state_dict(state["trainer"])
        self.stores.stats.rewind(name, run.trainer.iteration)
        return run.trainer.iteration

    def steps(self, should_stop: Callable[[], bool], on_tile: OnTile | None) -> Iterator[Event]:
        run = self.run
        yield from self.validate(should_stop, on_tile)
        remaining = run.config.num_iterations - run.trainer.iteration
        for stats in self._iterations(remaining, should_stop):
            self.pending.append(stats.row())
            yield stats
            stop = should_stop()
            due = run.is_validation_point(run.trainer.iteration)
            if stop or due or time.monotonic() - self.kept > CHECKPOINT_SECONDS:
                self.checkpoint()
            elif time.monotonic() - self.flushed > FLUSH_SECONDS:
                self.flush()
            if stop:
                raise _StopRequestedError
            yield from self.validate(should_stop, on_tile)
        yield Finished(run.trainer.iteration)

    def _iterations(self, count: int, should_stop: Callable[[], bool]) -> Iterator[TrainingIterationStats]:
        """Train; a signal to the whole process group ends the data workers too, which is no fault."""
        run = self.run
        try:
            yield from run.trainer.iterate(count, run.model, run.optimizer, self.device)
        except WorkerLost:
            if not should_stop():
                raise
            self.checkpoint()
            raise _StopRequestedError from None

    def validate(self, should_stop: Callable[[], bool], on_tile: OnTile | None) -> Iterator[Event]:
        """Validate if this is the point to and it is not done yet; stopped halfway, it is done again."""

        def report(name: str, done: int, total: int) -> None:
            if should_stop():
                raise _StopRequestedError
            if on_tile is not None:
                on_tile(name, done, total)

        run, iteration = self.run, self.run.trainer.iteration
        if not run.is_validation_point(iteration) or not run.datasplit.validate:
            return
        if any(record["iteration"] == iteration for record in self.stores.stats.scores(run.name)):
            return
        yield Validating(iteration)
        with limit_threads(available_cores()):
            rows = validate(run.model, run.task, run.datasplit.validate, device=self.device, on_tile=report)
        self.stores.stats.append_scores(run.name, validation_record(iteration, rows, run.task))
        yield Validated(iteration, rows)

    def flush(self) -> None:
        """Write the statistics that are not written yet."""
        if self.pending:
            self.stores.stats.append_training(self.run.name, self.pending)
        self.pending.clear()
        self.flushed = time.monotonic()

    def checkpoint(self) -> None:
        """Write statistics, then weights: a checkpoint never runs ahead of its statistics."""
        self.flush()
        run = self.run
        state = {"optimizer": run.optimizer.state_dict(), "trainer": run.trainer.state_dict()}
        self.stores.weights.put(run.name, run.trainer.iteration, run.model.state_dict(), state)
        self._remove_passing()
        self.kept = time.monotonic()

    def _remove_passing(self) -> None:
        """Remove older checkpoints that no validation belongs to."""
        *older, _ = self.stores.weights.iterations(self.run.name)
        for iteration in older:
            if not self.run.is_validation_point(iteration):
                self.stores.weights.remove(self.run.name, iteration)
