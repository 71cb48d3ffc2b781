"""The best model of a run, chosen by a criterion, and what it makes of a volume."""

from collections.abc import Callable
from typing import Any

import torch
from attrs import frozen
from funlib.geometry import Roi
from numpy.typing import NDArray

from dalsegno.arrays.array import Array, ArrayConfig
from dalsegno.arrays.crop_array import CropArrayConfig
from dalsegno.arrays.numpy_array import NumpyArray
from dalsegno.compute.threads import available_cores, limit_threads
from dalsegno.config import evolve
from dalsegno.engine.compare import RunRecord, read_run
from dalsegno.engine.device import choose_device
from dalsegno.engine.predict import predict
from dalsegno.errors import DataError, StoreError
from dalsegno.experiments.run import Run, RunConfig
from dalsegno.experiments.tasks.post_processors.post_processor_parameters import PostProcessorParameters
from dalsegno.store.converter import structure
from dalsegno.store.stores import Stores

__all__ = ["BestModel", "best_model", "like_raw", "predict_best"]


@frozen(eq=False)
class BestModel:
    """A run with the weights of one iteration, and the post-processing parameters that go with them.

    Attributes
    ----------
    run
        The run; its model holds the weights.
    iteration
        Iteration of the weights.
    parameters
        Setting of the post-processing.
    criterion
        What it was chosen by.
    score
        Value of the criterion; None where the iteration was chosen by hand and has no score.
    """

    run: Run
    iteration: int
    parameters: PostProcessorParameters
    criterion: str
    score: float | None


def best_model(stores: Stores, name: str, criterion: str | None = None, iteration: int | None = None) -> BestModel:
    """Load the best model of a run.

    Parameters
    ----------
    stores
        Where the run is kept.
    name
        Name of the run.
    criterion
        What is best, as a mean over datasets and channels; the first of the run's evaluator if not given.
    iteration
        Choose among the scores of this iteration only. Where it has none, the post-processor's first setting is used.

    Raises
    ------
    StoreError
        If the run or the checkpoint do not exist, or there is neither a score nor an iteration to choose by.
    ConfigError
        If there is no such criterion.
    """
    record = read_run(stores, name)
    criterion = criterion or record.primary
    record.scores.check_criterion(criterion)
    scores = record.scores if iteration is None else record.scores.at(iteration)
    best = scores.best(criterion)
    chosen = best.iteration if best is not None else iteration
    if chosen is None:
        raise StoreError(_no_score(record, criterion, stores.weights.iterations(name)))
    model, _ = stores.weights.get(name, chosen)
    run = Run(structure(record.config, RunConfig), restored=True)
    run.model.load_state_dict(model)
    settings = {setting.as_dict()["id"]: setting for setting in run.task.post_processor.enumerate_parameters()}
    if best is None:
        return BestModel(run, chosen, next(iter(settings.values())), criterion, None)
    return BestModel(run, chosen, settings[best.parameters["id"]], criterion, best.value(criterion))


def _no_score(record: RunRecord, criterion: str, checkpoints: list[int]) -> str:
    choose = f"choose an iteration (--iteration); there are checkpoints of {checkpoints}"
    if record.scores.rows:
        return (
            f"run {record.name!r}: {criterion} is undefined at every validation; choose another criterion, or {choose}"
        )
    if not record.config["datasplit_config"].get("validate_configs", True):
        return f"run {record.name!r} has no validation data, so no iteration has a {criterion} to be best by; {choose}"
    return f"run {record.name!r} has no {criterion} yet; train it first, or {choose}"


def predict_best(
    best: BestModel, raw: Array, roi: Roi | None = None, on_tile: Callable[[int, int], None] | None = None
) -> tuple[NumpyArray, NDArray[Any]]:
    """Return the prediction, float32 (c, *spatial), and the post-processed labels, (c?, *spatial)."""
    device: torch.device = choose_device()
    with limit_threads(available_cores()):
        prediction = predict(best.run.model, raw, roi, device=device, on_tile=on_tile)
        return prediction, best.run.task.post_processor.label(prediction.data, best.parameters)


def like_raw(config: ArrayConfig, path: str) -> ArrayConfig:
    """Return the config that reads another file the way a run's raw is read, uncropped.

    Views (intensities, resampling) are kept, crops are left out, and the file at the bottom is replaced.

    Raises
    ------
    DataError
        If raw is made of several files, or of none.
    """
    source = getattr(config, "source_array_config", None)
    if source is not None:
        inner = like_raw(source, path)
        return inner if isinstance(config, CropArrayConfig) else evolve(config, source_array_config=inner)
    if not hasattr(config, "file_name"):
        raise DataError(
            f"{path} can't take the place of the run's raw, which is a {config.array_type.__name__} and not one file: "
            "open the same kind of array of the new files in Python and give it to predict_best, or train with a "
            "raw_config that names one file (channels side by side in a zarr array)"
        )
    return evolve(config, file_name=path)
