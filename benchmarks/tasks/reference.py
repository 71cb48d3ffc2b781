"""The reference, DaCapo 0.3.5 from PyPI, doing what `ours.py` does; runs in an environment of its own.

``python reference.py NAME FOLDER`` prints CPU seconds, peak memory and the result as one line of JSON.
"""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import volumes
from measured import main

# DaCapo imports a class for annotations from a package that wants another pydantic
for name in ("fibsem_tools", "fibsem_tools.metadata"):
    sys.modules.setdefault(name, ModuleType(name))
stand_in = ModuleType("fibsem_tools.metadata.groundtruth")
stand_in.LabelList = type("LabelList", (), {})  # type: ignore[attr-defined]
sys.modules["fibsem_tools.metadata.groundtruth"] = stand_in

from dacapo.experiments.tasks.evaluators import BinarySegmentationEvaluator, InstanceEvaluator  # noqa: E402
from dacapo.experiments.tasks.post_processors import (  # noqa: E402
    ThresholdPostProcessor,
    ThresholdPostProcessorParameters,
    WatershedPostProcessor,
)
from dacapo.experiments.tasks.predictors import AffinitiesPredictor, DistancePredictor  # noqa: E402
from dacapo.store.array_store import LocalArrayIdentifier  # noqa: E402
from funlib.geometry import Coordinate  # noqa: E402
from funlib.persistence import Array, open_ds  # noqa: E402
from upath import UPath  # noqa: E402

SIZE = Coordinate(volumes.VOXEL_SIZE)


def _labels(folder: Path) -> Any:
    labels = np.load(folder / "crop.npy")
    return Array(labels, voxel_size=SIZE, offset=SIZE * 0, axis_names=["z", "y", "x"])


def _trained(predictor: Any, gt: Any) -> dict[str, float]:
    target = predictor.create_target(gt)
    mask = Array(np.ones(gt.shape, np.uint8), SIZE * 0, SIZE, axis_names=gt.axis_names)
    weight, _ = predictor.create_weight(gt, target, mask)
    return {"target": float(np.mean(target[:], dtype=float)), "weight": float(np.mean(weight[:], dtype=float))}


def distance_target(folder: Path) -> Any:
    gt = _labels(folder)
    binary = Array((gt[:] > 0).astype(np.uint8)[None], SIZE * 0, SIZE, axis_names=["c^", "z", "y", "x"])
    predictor = DistancePredictor(channels=["a"], scale_factor=volumes.SCALE, mask_distances=True)
    return lambda: _trained(predictor, binary)


def affinities_target(folder: Path) -> Any:
    gt = _labels(folder)
    predictor = AffinitiesPredictor([Coordinate(offset) for offset in volumes.NEIGHBORHOOD], lsds=False)
    return lambda: _trained(predictor, gt)


def lsd_target(folder: Path) -> Any:
    gt = _labels(folder)
    predictor = AffinitiesPredictor([Coordinate(offset) for offset in volumes.NEIGHBORHOOD], lsds=True, num_voxels=10)
    return lambda: _trained(predictor, gt)


def _at(folder: Path, name: str) -> LocalArrayIdentifier:
    return LocalArrayIdentifier(UPath(folder / "volumes.zarr"), name)


def _open(folder: Path, name: str) -> Any:
    return open_ds(str(folder / "volumes.zarr" / name))


def binary_256(folder: Path) -> Any:
    evaluator = BinarySegmentationEvaluator(clip_distance=80, tol_distance=16, channels=["a"])
    test, truth = _at(folder, "binary_test"), _open(folder, "binary_truth")

    def measured() -> dict[str, float]:
        scores = evaluator.evaluate(test, truth)
        return {name: float(getattr(scores, name)) for name in scores.criteria}

    return measured


def _instances(folder: Path, name: str) -> Any:
    test, truth = _at(folder, f"test_{name}"), _open(folder, f"truth_{name}")

    def measured() -> dict[str, float]:
        scores = InstanceEvaluator().evaluate(test, truth)
        return {"voi_split": float(scores.voi_split), "voi_merge": float(scores.voi_merge)}

    return measured


def instances_blobs(folder: Path) -> Any:
    return _instances(folder, "blobs")


def instances_cells(folder: Path) -> Any:
    return _instances(folder, "cells")


def instances_large_ids(folder: Path) -> Any:
    return _instances(folder, "large_ids")


def distance_validation(folder: Path) -> Any:
    """Return the validation of a single threshold."""
    evaluator = BinarySegmentationEvaluator(clip_distance=80, tol_distance=16, channels=["a"])
    processor, output = ThresholdPostProcessor(), LocalArrayIdentifier(UPath(folder / "reference.zarr"), "threshold")
    truth = _open(folder, "binary_truth_128")

    def measured() -> dict[str, float]:
        processor.set_prediction(_at(folder, "distances_128"))
        processor.process(ThresholdPostProcessorParameters(0, 0.0), output)
        scores = evaluator.evaluate(output, truth)
        return {"f1_score": float(scores.channel_scores[0][1].f1_score)}

    return measured


def _affinities(folder: Path, name: str) -> Any:
    processor = WatershedPostProcessor(offsets=[Coordinate(offset) for offset in volumes.NEIGHBORHOOD])
    output = LocalArrayIdentifier(UPath(folder / "reference.zarr"), f"watershed{name}")
    truth = _open(folder, f"truth{name}")

    def measured() -> dict[str, float]:
        processor.set_prediction(_at(folder, f"affinities{name}"))
        found = {}
        for parameters in processor.enumerate_parameters():
            processor.process(parameters, output)
            scores = InstanceEvaluator().evaluate(output, truth)
            found[f"voi at {parameters.bias}"] = float(scores.voi_split + scores.voi_merge)
        return found

    return measured


def affinities_validation(folder: Path) -> Any:
    return _affinities(folder, "_128")


def affinities_validation_cells(folder: Path) -> Any:
    return _affinities(folder, "_cells_128")


if __name__ == "__main__":
    main(globals())
