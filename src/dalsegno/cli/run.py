"""``dalsegno run``."""

import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from dalsegno.cli.arguments import ExperimentFile, Json, Overrides, Store, open_store, print_json, read_experiment

if TYPE_CHECKING:
    from rich.console import Console

    from dalsegno.experiments.run import RunConfig
    from dalsegno.store.document import Document
    from dalsegno.store.stores import Stores


def run(file: ExperimentFile, overrides: Overrides = None, store: Store = None, json: Json = False) -> None:
    """Train an experiment to its end; started again, it goes on from its last checkpoint."""
    from rich.console import Console

    from dalsegno.engine.train import is_finished

    stores = open_store(store)
    config, document = read_experiment(file, overrides)
    console = Console(stderr=json)
    if not json:
        console.print(f"[bold]{config.name}[/bold]: {config.num_iterations} iterations, store {stores.root}")
    _check_new(config, document, stores, console)
    before = is_finished(config, stores)
    stopped = _train(config, stores, console)
    if before:
        console.print(f"run {config.name!r} is finished: nothing to do")
    if json:
        from dalsegno.engine.compare import summary

        print_json(summary(stores, config.name))
    elif not stopped:
        _report(config, stores, console, store)
    if stopped:
        raise typer.Exit(130)


def _check_new(config: "RunConfig", document: "Document", stores: "Stores", console: "Console") -> None:
    """Refuse a new experiment that can't be trained, before anything of it is stored."""
    if config.name in stores.configs.names("runs"):
        return
    from dalsegno.engine.check import check

    report = check(config)
    if report.problems:
        raise document.located(report.problems)
    for warning in report.warnings:
        console.print(f"warning: {warning}", style="yellow")


def _train(config: "RunConfig", stores: "Stores", console: "Console") -> bool:
    """Train and show the progress; return whether it was stopped before its end."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    from dalsegno.engine import train as engine
    from dalsegno.experiments.training_stats import TrainingIterationStats

    stopped = False
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
               TimeRemainingColumn(), TextColumn("{task.fields[note]}"))  # fmt: skip
    with Progress(*columns, console=console) as progress, _stop_on_signal() as asked:
        bar = progress.add_task("train", total=config.num_iterations, note="")
        tiles = progress.add_task("validate", total=None, note="", visible=False)

        def on_tile(name: str, done: int, total: int) -> None:
            progress.update(tiles, completed=done, total=total, note=name, visible=done < total)

        for event in engine.train(config, stores, should_stop=lambda: bool(asked), on_tile=on_tile):
            match event:
                case engine.Resumed(iteration) if iteration:
                    progress.update(bar, completed=iteration)
                    progress.console.print(f"goes on from iteration {iteration}")
                case TrainingIterationStats():
                    note = f"loss {event.loss:.4f}" + (" (waits for data)" if event.data_time > event.time / 2 else "")
                    progress.update(bar, completed=event.iteration + 1, note=note)
                case engine.Validated(iteration):
                    progress.console.print(_validation_line(config, stores, iteration))
                case engine.Stopped(iteration):
                    stopped = True
                    progress.console.print(f"stopped at iteration {iteration}; the same command goes on from there")
    return stopped


def _validation_line(config: "RunConfig", stores: "Stores", iteration: int) -> str:
    from dalsegno.engine.compare import read_run

    record = read_run(stores, config.name)
    now = record.scores.at(iteration)
    best = {criterion: now.best(criterion) for criterion in record.headline}
    shown = [f"{criterion} {row.value(criterion):.3f}" for criterion, row in best.items() if row is not None]
    return f"iteration {iteration}: {', '.join(shown) or 'no score is defined'}"


@contextmanager
def _stop_on_signal() -> Iterator[list[int]]:
    """Collect the signals that ask to stop; a second one ends the process at once."""
    asked: list[int] = []
    kinds = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]

    def ask(number: int, _: object) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)

    before = {kind: signal.signal(kind, ask) for kind in kinds}
    try:
        yield asked
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)


def _report(config: "RunConfig", stores: "Stores", console: "Console", store: str | None) -> None:
    """Print the best scores, draw the best prediction, and say what to look at next."""
    from dalsegno.engine.compare import best_scores, read_run
    from dalsegno.view.tables import rows_table

    record = read_run(stores, config.name)
    if not record.scores.rows:
        console.print("the experiment has no validation data, so there are no scores")
        return
    criterion = record.primary
    if record.scores.best(criterion) is None:
        console.print(f"{criterion} is undefined everywhere: is anything annotated in the validation data?")
        return
    rows = best_scores(stores, [config.name], criterion)
    for row in rows:
        del row["run"]
    console.print(rows_table(rows, title=f"best {criterion} over {len(record.scores.rows)} settings and iterations"))
    picture = Path(str(stores.root)) / "runs" / config.name / "best.png"
    if not picture.exists():
        _draw(stores, config.name, criterion, picture, console)
    command, where = _own_command(), f" --store {store}" if store else ""
    console.print("look at next:", style="bold")
    for what in (
        f"{picture}  raw, ground truth and prediction",
        f"{command} show {config.name}{where}  all scores, and the config",
        f"{command} compare {config.name}{where} --plot curves.png  loss and score curves",
        f"{command} predict {config.name}{where} --input VOLUME  the best model on your data",
    ):
        console.print(f"  {what}", highlight=False, soft_wrap=True)


def _own_command() -> str:
    """Return how this command is called from here."""
    if shutil.which("dalsegno"):
        return "dalsegno"
    called = Path(sys.argv[0]).absolute()
    return str(called.relative_to(Path.cwd()) if called.is_relative_to(Path.cwd()) else called)


def _draw(stores: "Stores", name: str, criterion: str, picture: Path, console: "Console") -> None:
    import numpy as np

    from dalsegno.engine.best import best_model, predict_best
    from dalsegno.engine.validate import annotated_region
    from dalsegno.view.overlay import plot_slices

    best = best_model(stores, name, criterion)
    dataset: Any = best.run.datasplit.validate[0]
    region = annotated_region(dataset)
    prediction, labels = predict_best(best, dataset.raw, region)
    raw = dataset.raw[prediction.roi]
    raw = raw[0] if raw.ndim > dataset.raw.dims else raw
    for axis, finer in enumerate(dataset.raw.voxel_size / prediction.voxel_size):
        raw = raw.repeat(finer, axis)
    # label 0 is not drawn
    names = best.run.task.evaluator.names[0 if labels.ndim > dataset.raw.dims else 1 :]
    title = f"{name}: iteration {best.iteration}, {criterion} {best.score:.3f}"
    try:
        plot_slices(raw, np.asarray(dataset.gt[prediction.roi]), labels, picture, title=title, channel_names=names)
    except OSError as error:
        console.print(f"no picture: {picture} can't be written ({error.strerror}); everything else is stored")
