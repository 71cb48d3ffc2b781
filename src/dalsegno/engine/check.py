"""Everything that can be found wrong with an experiment before it trains."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from attrs import define, field
from funlib.geometry import Coordinate, Roi
from torch import Tensor

from dalsegno.arrays.array_config import arrays_in
from dalsegno.config import Config, evolve
from dalsegno.engine.check_labels import check_labels
from dalsegno.engine.predict import tiling_of
from dalsegno.engine.validate import annotated_region, validate
from dalsegno.errors import DalsegnoError, Problem
from dalsegno.experiments.architectures.architecture import ArchitectureConfig
from dalsegno.experiments.datasets.dataset import Dataset, DatasetConfig
from dalsegno.experiments.model import Model
from dalsegno.experiments.run import RunConfig
from dalsegno.experiments.tasks.task import Task

__all__ = ["CheckReport", "check"]


@define
class CheckReport:
    """What a check found.

    Attributes
    ----------
    problems
        What is wrong, each with the place in the config.
    datasets
        One row about each dataset that could be opened.
    batch
        One row about each array of the batch that could be drawn.
    warnings
        What looks odd, but may be meant.
    """

    problems: list[Problem] = field(factory=list)
    datasets: list[dict[str, Any]] = field(factory=list)
    batch: list[dict[str, Any]] = field(factory=list)
    warnings: list[str] = field(factory=list)


def check(config: RunConfig) -> CheckReport:
    """Open the data, look through the labels, build the network, and draw one batch of each training dataset.

    Returns
    -------
    CheckReport
        All problems at once; none of them is raised.
    """
    report = CheckReport()
    opened = list(_open_datasets(config, report))
    model, task = _build(config, report)
    if model is None or task is None:
        return report
    for path, dataset in opened:
        with _Reported(report, path):
            _check_grid(dataset, model)
            check_labels(dataset, task)
            if path[1] == "train_configs":
                _draw(config, dataset, model, task, report)
            else:
                _score_one_tile(dataset, model, task)
    return report


class _Reported:
    """Turns an error of ours within the block into a problem at a place of the config."""

    def __init__(self, report: CheckReport, path: tuple[str | int, ...]) -> None:
        self.report = report
        self.path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> bool:
        if not isinstance(error, DalsegnoError):
            return False
        self.report.problems += [problem.under(*self.path) for problem in error.problems]
        return True


def _open_datasets(config: RunConfig, report: CheckReport) -> Iterator[tuple[tuple[str | int, ...], Dataset]]:
    for role in ("train_configs", "validate_configs"):
        configs: tuple[DatasetConfig, ...] = getattr(config.datasplit_config, role, ())
        for position, dataset_config in enumerate(configs):
            path = ("datasplit_config", role, position)
            try:
                dataset = dataset_config.dataset_type(dataset_config)
            except DalsegnoError as error:
                # a dataset raises the first problem that it meets: each array is asked for its own
                broken = [one.under(*at) for at, array in arrays_in(dataset_config) for one in array.data_problems()]
                report.problems += [one.under(*path) for one in broken or error.problems]
                continue
            report.datasets += _rows(role, dataset)
            yield path, dataset


def _rows(role: str, dataset: Dataset) -> list[dict[str, Any]]:
    arrays = {"raw": dataset.raw, "gt": dataset.gt, "mask": dataset.mask}
    return [
        {
            "use": role.removesuffix("_configs"),
            "dataset": dataset.name,
            "array": name,
            "axes": "".join(array.axes),
            "voxels": " x ".join(map(str, array.roi.shape / array.voxel_size)),
            "voxel size": f"{' x '.join(map(str, array.voxel_size))} {array.units}",
            "begins at": ", ".join(map(str, array.roi.begin)),
            "dtype": str(array.dtype),
        }
        for name, array in arrays.items()
        if array is not None
    ]


def _build(config: RunConfig, report: CheckReport) -> tuple[Model | None, Task | None]:
    with _Reported(report, ("task_config",)):
        task = config.task_config.task_type(config.task_config)
        architecture: ArchitectureConfig = config.architecture_config
        return task.create_model(architecture.architecture_type(architecture)), task
    return None, None


def _check_grid(dataset: Dataset, model: Model) -> None:
    raw = dataset.raw
    channels = raw.num_channels or 1
    if raw.dims != model.input_shape.dims:
        raise DalsegnoError(
            f"raw has {raw.dims} spatial axes {raw.spatial_axes}, the network takes {model.input_shape.dims}: give "
            f"input_shape, factors and kernels {raw.dims} numbers each"
        )
    if channels != model.num_in_channels:
        raise DalsegnoError(
            f"raw has {channels} channels, the network takes {model.num_in_channels}; set fmaps_in to {channels}"
        )
    predicted = model.scale(raw.voxel_size)
    if dataset.gt is not None and dataset.gt.voxel_size != predicted:
        raise DalsegnoError(
            f"dataset {dataset.name!r}: the network predicts voxels of {predicted} {raw.units}, gt has "
            f"{dataset.gt.voxel_size}; resample gt with ResampledArray, or change `upsample_factors`"
        )


def _score_one_tile(dataset: Dataset, model: Model, task: Task) -> None:
    """Predict, post-process and score a corner of a validation dataset: what fails there, fails after hours."""
    whole = annotated_region(dataset)
    tile = Roi(whole.begin, tiling_of(model, dataset.raw.voxel_size).write_shape).intersect(whole)
    validate(model, task, [dataset], region=tile)


def _draw(config: RunConfig, dataset: Dataset, model: Model, task: Task, report: CheckReport) -> None:
    alone = evolve(config.trainer_config, **_without_workers(config.trainer_config))
    trainer = alone.trainer_type(alone, seed=config.repetition)
    trainer.build_batch_provider([dataset], model, task)
    batch = trainer.next()
    _compare_raw_and_gt(dataset.name, batch.samples, report)
    _warn_of_dark_raw(dataset, report)
    _warn_of_useless_targets(dataset, task, batch.mask, report)
    for name in ("raw", "target", "mask"):
        values = getattr(batch, name)
        report.batch.append(
            {
                "dataset": dataset.name,
                "array": name,
                "shape": " x ".join(map(str, values.shape)),
                "min": float(values.min()),
                "mean": float(values.mean()),
                "max": float(values.max()),
            }
        )


def _compare_raw_and_gt(name: str, samples: list[Any], report: CheckReport) -> None:
    """Look for labels where intensities are expected: few values, in large flat areas."""
    raw, gt = np.stack([sample.raw for sample in samples]), np.stack([sample.gt for sample in samples])
    values = len(np.unique(raw))
    flat = float((raw[..., 1:] == raw[..., :-1]).mean())
    if values < 20 and len(np.unique(gt)) > 50:
        raise DalsegnoError(
            f"dataset {name!r}: raw looks like labels ({values} values) and gt like an image "
            f"({len(np.unique(gt))} values); are they swapped?"
        )
    if 1 < values < 100 and flat > 0.8:
        report.warnings.append(
            f"dataset {name!r}: raw has {values} values in large flat areas, as labels do; is it the right file?"
        )


def _warn_of_dark_raw(dataset: Dataset, report: CheckReport) -> None:
    """Look at the middle of raw, before any augmentation."""
    raw = dataset.raw
    size = raw.roi.shape / raw.voxel_size
    seen = Coordinate(min(64, voxels) for voxels in size)
    brightest = raw[Roi((size - seen) / 2, seen) * raw.voxel_size + raw.roi.begin].max()
    if 0 < brightest < 0.1:
        report.warnings.append(
            f"dataset {dataset.name!r}: raw reaches {brightest:.2g} only in its middle, where networks expect about "
            "0 to 1; stretch it with IntensitiesArray, min and max being those of the image"
        )


def _warn_of_useless_targets(dataset: Dataset, task: Task, mask: Tensor, report: CheckReport) -> None:
    """Tell of targets from which nothing, or not what is meant, can be learned."""
    warnings = list(task.predictor.doubts(dataset.gt)) if dataset.gt is not None else []
    known = (mask > 0).transpose(0, 1).flatten(1).any(dim=1).tolist()
    unknown = [name for name, anywhere in zip(task.channels, known, strict=True) if not anywhere]
    if not any(known):
        warnings.append(
            "no target is known anywhere in the batch that was drawn, so nothing is learned from it; does the mask "
            "leave anything, and are samples larger than the distances or offsets of the task?"
        )
    elif unknown:
        warnings.append(
            f"the targets of {', '.join(unknown)} are known nowhere in the batch that was drawn; does the mask leave "
            "anything of them, and do the distances or offsets of the task fit in the annotated region?"
        )
    report.warnings += [f"dataset {dataset.name!r}: {warning}" for warning in warnings]


def _without_workers(trainer_config: Config) -> dict[str, Any]:
    return {"num_data_fetchers": 0} if hasattr(trainer_config, "num_data_fetchers") else {}
