"""Scores of a model on datasets, for every setting of the post-processing."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from funlib.geometry import Roi

from dalsegno.arrays.array import Array
from dalsegno.arrays.numpy_array import NumpyArray
from dalsegno.engine.predict import predict
from dalsegno.errors import DataError
from dalsegno.experiments.channel_scores import criterion_of
from dalsegno.experiments.datasets.dataset import Dataset
from dalsegno.experiments.model import Model
from dalsegno.experiments.tasks.task import Task

__all__ = ["annotated_region", "validate", "validation_record"]

OnTile = Callable[[str, int, int], None]


def validation_record(iteration: int, rows: list[dict[str, Any]], task: Task) -> dict[str, Any]:
    """Return what the store keeps of a validation: its rows, which way each criterion is better, which come first."""
    scores = task.evaluation_scores
    better = {criterion: bool(scores.higher_is_better(criterion)) for criterion in scores.criteria}
    headline = list(dict.fromkeys([task.evaluator.primary, *map(criterion_of, task.evaluator.criteria)]))
    return {"iteration": iteration, "higher_is_better": better, "headline": headline, "rows": rows}


def validate(
    model: Model,
    task: Task,
    datasets: list[Dataset],
    *,
    region: Roi | None = None,
    device: torch.device | None = None,
    on_tile: OnTile | None = None,
) -> list[dict[str, Any]]:
    """Predict each dataset once, then score every setting of the post-processing.

    Parameters
    ----------
    model, task
        What predicts, and what post-processes and judges.
    datasets
        With ground truth; the region where raw and ground truth overlap is scored.
    region
        Score only here, world units; all that is annotated if not given.
    device
        Where to compute.
    on_tile
        Called with the dataset's name, the tiles done, and all its tiles.

    Returns
    -------
    list
        One row for each dataset and setting: ``{"dataset", "parameters", "scores"}``.

    Raises
    ------
    DataError
        If a dataset has no ground truth, or does not fit the model.
    """
    rows: list[dict[str, Any]] = []
    for dataset in datasets:
        gt = _scored(dataset)
        task.check_dataset(dataset)
        wanted = annotated_region(dataset) if region is None else region
        report = (lambda done, total, name=dataset.name: on_tile(name, done, total)) if on_tile else None
        try:
            prediction = predict(model, dataset.raw, wanted, device=device, on_tile=report)
        except DataError as error:
            raise DataError(f"dataset {dataset.name!r}: {error}") from error
        if prediction.voxel_size != gt.voxel_size:
            raise DataError(
                f"dataset {dataset.name!r}: the network predicts voxels of {prediction.voxel_size} {gt.units}, gt has "
                f"{gt.voxel_size}; resample gt with ResampledArray, or change `upsample_factors` of the architecture"
            )
        rows += _sweep(task, prediction.data, dataset, gt, prediction.roi)
    return rows


def annotated_region(dataset: Dataset) -> Roi:
    """Return the region of a dataset that is predicted and scored, world units.

    Raises
    ------
    DataError
        If it has no ground truth, or none where raw is.
    """
    region = dataset.raw.roi.intersect(_scored(dataset).roi)
    if region.empty:
        raise DataError(f"dataset {dataset.name!r}: raw and gt do not overlap; check `offset` and crops of both")
    return region


def _scored(dataset: Dataset) -> Array:
    if dataset.gt is None:
        raise DataError(f"dataset {dataset.name!r} has no ground truth to be scored against; set gt_config")
    return dataset.gt


def _sweep(
    task: Task, prediction: "np.ndarray[Any, Any]", dataset: Dataset, gt: Array, region: Roi
) -> list[dict[str, Any]]:
    truth = NumpyArray.from_np_array(gt[region], region, gt.voxel_size, gt.axes, units=gt.units)
    mask = dataset.mask.to_ndarray(region, fill_value=0) > 0 if dataset.mask is not None else None
    settings = list(task.post_processor.enumerate_parameters())
    outputs = task.post_processor.label_all(prediction, settings)
    scores = task.evaluator.sweep(outputs, truth, mask)
    return [
        {"dataset": dataset.name, "parameters": setting.as_dict(), "scores": score.as_dict()}
        for setting, score in zip(settings, scores, strict=True)
    ]
