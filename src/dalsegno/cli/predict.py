"""``dalsegno predict``."""

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
    output: Annotated[Path | None, typer.Option("--output", metavar="DIR.zarr", help="Where to write.")] = None,
    criterion: Criterion = "f1_score",
    iteration: Annotated[int | None, typer.Option("--iteration", help="Use this iteration, not the best one.")] = None,
    store: Store = None,
    json: Json = False,
) -> None:
    """Predict a volume that fits in memory with the best model of a run."""
    from rich.console import Console
    from rich.progress import Progress

    from dalsegno.engine.best import best_model, predict_best

    stores = open_store(store)
    best = best_model(stores, run, criterion, iteration)
    target = output or Path(str(stores.root)) / "runs" / run / "prediction.zarr"
    written = []
    with Progress(console=Console(stderr=True)) as progress:
        for name, raw, roi in _volumes(best, volume):
            bar = progress.add_task(f"predict {name}")
            on_tile = partial(_advance, progress, bar)
            prediction, labels = predict_best(best, raw, roi, on_tile=on_tile)
            written += _write(target, name, prediction, labels)
    result = {
        "run": run,
        "iteration": best.iteration,
        "parameters": best.parameters.as_dict(),
        criterion: best.score,
        "written": written,
    }
    if json:
        print_json(result)
        return
    parameters = ", ".join(f"{name} {value}" for name, value in best.parameters.as_dict().items() if name != "id")
    Console().print(f"{run}: iteration {best.iteration}, {parameters or 'no parameters'}, {criterion} {best.score:.3f}")
    for path in written:
        Console().print(f"  {path}", soft_wrap=True)


def _advance(progress: "Progress", bar: "TaskID", done: int, total: int) -> None:
    progress.update(bar, completed=done, total=total)


def _volumes(best: "BestModel", path: str | None) -> list[tuple[str, Any, Any]]:
    from dalsegno.engine.best import like_raw
    from dalsegno.engine.validate import annotated_region

    if path is None:
        return [(dataset.name, dataset.raw, annotated_region(dataset)) for dataset in best.run.datasplit.validate]
    dataset = best.run.datasplit.train[0]
    raw = like_raw(dataset.raw_config, path).open()
    return [(Path(path).stem, raw, raw.roi)]


def _write(target: Path, name: str, prediction: Any, labels: Any) -> list[str]:
    from upath import UPath

    from dalsegno.arrays.zarr_array import ZarrArray
    from dalsegno.store.array_store import LocalArrayIdentifier

    written = []
    for kind, data in (("prediction", prediction.data), ("labels", labels)):
        identifier = LocalArrayIdentifier(container=UPath(target), dataset=f"{name}/{kind}")
        spatial = prediction.spatial_axes
        channels = data.shape[0] if data.ndim > len(spatial) else None
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
        array[prediction.roi] = data
        written.append(f"{target}/{name}/{kind}")
    return written
