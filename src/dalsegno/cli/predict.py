"""``dalsegno predict``."""

import os
import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dalsegno.cli.arguments import Criterion, Json, RunName, Store, open_store, print_json

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from dalsegno.engine.best import BestModel


def predict(  # noqa: PLR0913 - each is an option of the command
    run: RunName,
    volume: Annotated[
        str | None,
        typer.Option(
            "--input",
            metavar="PATH",
            help="Volume, read as the raw data of the run is; its validation data if not given.",
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", metavar="DIR.zarr", help="Where to write; with the run if not given.")
    ] = None,
    criterion: Criterion = None,
    iteration: Annotated[
        int | None, typer.Option("--iteration", help="Use this iteration, not the best one; it needs no score.")
    ] = None,
    store: Store = None,
    json: Json = False,
) -> None:
    """Predict a volume that fits in memory with the best model of a run."""
    from rich.console import Console
    from rich.progress import Progress

    from dalsegno.engine.best import best_model, predict_best

    stores = open_store(store)
    best = best_model(stores, run, criterion, iteration)
    volumes = _volumes(best, volume)
    target = output or Path(str(stores.root)) / "runs" / run / "prediction.zarr"
    folder = "" if output else f"{best.iteration}/"
    _check_target(target)
    parameters = best.parameters.as_dict()
    result = {"run": run, "iteration": best.iteration, "parameters": parameters}
    origin = {**result, "criterion": best.criterion, "score": best.score}
    written = []
    with Progress(console=Console(stderr=True)) as progress:
        for name, raw, roi in volumes:
            bar = progress.add_task(f"predict {name}")
            on_tile = partial(_advance, progress, bar)
            prediction, labels = predict_best(best, raw, roi, on_tile=on_tile)
            written += _write(target, f"{folder}{name}", prediction, labels, attributes=origin)
    if json:
        print_json({**result, best.criterion: best.score, "written": written})
        return
    shown = ", ".join(f"{name} {value}" for name, value in parameters.items() if name != "id")
    score = f"no {best.criterion}" if best.score is None else f"{best.criterion} {best.score:.3f}"
    Console().print(f"{run}: iteration {best.iteration}, {shown or 'no parameters'}, {score}")
    for path in written:
        Console().print(f"  {path}", soft_wrap=True)


def _advance(progress: "Progress", bar: "TaskID", done: int, total: int) -> None:
    progress.update(bar, completed=done, total=total)


def _volumes(best: "BestModel", path: str | None) -> list[tuple[str, Any, Any]]:
    from dalsegno.engine.best import like_raw
    from dalsegno.engine.validate import annotated_region
    from dalsegno.errors import DataError
    from dalsegno.experiments.datasets.raw_gt_dataset import as_intensities

    datasplit = best.run.datasplit
    if path is not None:
        raw = as_intensities(path, like_raw(datasplit.train[0].raw_config, path)).open()
        return [(Path(path).stem, raw, raw.roi)]
    if not datasplit.validate:
        raise DataError(f"run {best.run.name!r} has no validation data to predict; name a volume with --input")
    return [(dataset.name, dataset.raw, annotated_region(dataset)) for dataset in datasplit.validate]


def _check_target(target: Path) -> None:
    """Refuse a place that can't be written to before anything is predicted."""
    from dalsegno.errors import StoreError
    from dalsegno.store.atomic import store_errors

    with store_errors(target):
        try:
            target.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, FileNotFoundError) as error:
            raise StoreError(
                f"{target} can't be written: {error.strerror}; name a folder for a zarr container with --output"
            ) from error
        if any(target.iterdir()) and not _is_group(target):
            raise StoreError(
                f"{target} is a folder, but not a group of zarr arrays; predictions would be mixed with its files: "
                "name a new folder with --output"
            )
    if not os.access(target, os.W_OK):
        raise StoreError(f"{target} is read-only for you; name another folder with --output")


def _is_group(folder: Path) -> bool:
    description = folder / "zarr.json"
    named = description.is_file() and re.search(r'"node_type":\s*"group"', description.read_text())
    return bool(named) or (folder / ".zgroup").is_file()


def _write(target: Path, name: str, prediction: Any, labels: Any, *, attributes: dict[str, Any]) -> list[str]:
    """Write prediction and labels, each with the attributes that say what they come from; return their paths."""
    from upath import UPath

    from dalsegno.arrays.zarr_array import ZarrArray
    from dalsegno.store.array_store import LocalArrayIdentifier
    from dalsegno.store.atomic import store_errors

    written = []
    for kind, data in (("prediction", prediction.data), ("labels", labels)):
        identifier = LocalArrayIdentifier(container=UPath(target), dataset=f"{name}/{kind}")
        spatial = prediction.spatial_axes
        channels = data.shape[0] if data.ndim > len(spatial) else None
        with store_errors(target):
            array = ZarrArray.create_from_array_identifier(
                identifier,
                [*(["c"] if channels else []), *spatial],
                prediction.roi,
                channels,
                prediction.voxel_size,
                data.dtype,
                overwrite=True,
                units=prediction.units,
            )
            array.add_metadata(attributes)
            array[prediction.roi] = data
        written.append(str(identifier))
    return written
