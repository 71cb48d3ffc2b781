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
from dalsegno.engine.compare import read_run
from dalsegno.engine.device import choose_device
from dalsegno.engine.predict import predict
from dalsegno.errors import StoreError
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
    score
        Value of the criterion; None where the iteration was chosen by hand.
    """

    run: Run
    iteration: int
    parameters: PostProcessorParameters
    score: float | None


def best_model(stores: Stores, name: str, criterion: str, iteration: int | None = None) -> BestModel:
    """Load the best model of a run.

    Parameters
    ----------
    stores
        Where the run is kept.
    name
        Name of the run.
    criterion
        What is best, as a mean over datasets and channels.
    iteration
        Choose among the scores of this iteration only.

    Raises
    ------
    StoreError
        If the run, its scores, or the checkpoint do not exist.
    ConfigError
        If there is no such criterion.
    """
    record = read_run(stores, name)
    scores = record.scores
    if iteration is not None:
        scores = scores.at(iteration)
    best = scores.best(criterion)
    if best is None:
        known = record.scores.validated_iterations
        where = f"at iteration {iteration}; validated are {known}" if iteration is not None else "yet; train it first"
        raise StoreError(f"run {name!r} has no {criterion} {where}")
    run = Run(structure(record.config, RunConfig))
    model, _ = stores.weights.get(name, best.iteration)
    run.model.load_state_dict(model)
    settings = {setting.as_dict()["id"]: setting for setting in run.task.post_processor.enumerate_parameters()}
    return BestModel(run, best.iteration, settings[best.parameters["id"]], best.value(criterion))


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
    """
    source = getattr(config, "source_array_config", None)
    if source is None:
        return evolve(config, file_name=path)
    inner = like_raw(source, path)
    return inner if isinstance(config, CropArrayConfig) else evolve(config, source_array_config=inner)
