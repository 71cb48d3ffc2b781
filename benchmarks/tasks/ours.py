"""Dal Segno doing what `reference.py` does, and what only it is asked to do.

``python ours.py NAME FOLDER ROUNDS`` prints CPU seconds, peak memory and the result as one line of JSON.
"""

from pathlib import Path
from typing import Any

import numpy as np
import volumes
from funlib.geometry import Coordinate, Roi
from measured import main
from numpy.typing import NDArray
from upath import UPath

from dalsegno.arrays.numpy_array import NumpyArray
from dalsegno.arrays.zarr_array import ZarrArray
from dalsegno.experiments.tasks.evaluators.binary_segmentation_evaluator import BinarySegmentationEvaluator
from dalsegno.experiments.tasks.evaluators.instance_evaluator import InstanceEvaluator
from dalsegno.experiments.tasks.post_processors.threshold_post_processor import ThresholdPostProcessor
from dalsegno.experiments.tasks.post_processors.watershed_post_processor import WatershedPostProcessor
from dalsegno.experiments.tasks.predictors.affinities_predictor import AffinitiesPredictor
from dalsegno.experiments.tasks.predictors.distance_predictor import DistancePredictor
from dalsegno.experiments.tasks.predictors.shape_descriptors import ShapeDescriptors
from dalsegno.store.array_store import LocalArrayIdentifier

SIZE = Coordinate(volumes.VOXEL_SIZE)
NEIGHBORHOOD = tuple(Coordinate(offset) for offset in volumes.NEIGHBORHOOD)
THRESHOLDS = tuple(round(-0.95 + 0.1 * step, 2) for step in range(20))


def _crop(folder: Path, predictor: Any, dtype: Any) -> Any:
    """Return the making of targets and weights for all of the crop; beyond it nothing is annotated."""
    labels = np.load(folder / "crop.npy").astype(dtype)
    roi = Roi(SIZE * 0, SIZE * Coordinate(labels.shape))
    context = predictor.gt_context(SIZE, "nm")
    around, margin = roi.grow(context, context), [(c, c) for c in context / SIZE]
    gt = _array(np.pad(labels, margin), around)
    mask = _array(np.pad(np.ones(labels.shape, np.uint8), margin), around)

    def measured() -> dict[str, float]:
        target, known = predictor.create_target(gt, mask, roi)
        weight, _ = predictor.create_weight(target[None], known[None], None)
        return {"target": float(np.mean(target, dtype=float)), "weight": float(np.mean(weight, dtype=float))}

    return measured


def _array(values: NDArray[Any], roi: Roi) -> NumpyArray:
    return NumpyArray.from_np_array(values, roi, SIZE, ["z", "y", "x"], units="nm")


def distance_target(folder: Path) -> Any:
    return _crop(folder, DistancePredictor(channels=("a",), scale_factor=volumes.SCALE), bool)


def affinities_target(folder: Path) -> Any:
    return _crop(folder, AffinitiesPredictor(neighborhood=NEIGHBORHOOD), np.uint64)


def lsd_target(folder: Path) -> Any:
    predictor = AffinitiesPredictor(neighborhood=NEIGHBORHOOD, descriptors=ShapeDescriptors(num_voxels=10))
    return _crop(folder, predictor, np.uint64)


def _at(folder: Path, name: str) -> LocalArrayIdentifier:
    return LocalArrayIdentifier(UPath(folder / "volumes.zarr"), name)


def _open(folder: Path, name: str) -> ZarrArray:
    return ZarrArray.open_from_array_identifier(_at(folder, name))


def _binary(folder: Path, test: str, truth: str) -> Any:
    evaluator = BinarySegmentationEvaluator(80.0, 16.0, ("a",))

    def measured() -> dict[str, float]:
        scores = evaluator.evaluate(_at(folder, test), _open(folder, truth))
        return {name.removeprefix("a__"): value for name, value in scores.as_dict().items()}

    return measured


def binary_256(folder: Path) -> Any:
    return _binary(folder, "binary_test", "binary_truth")


def binary_1024(folder: Path) -> Any:
    return _binary(folder, "test_1024", "truth_1024")


def _instances(folder: Path, name: str) -> Any:
    # the reference counts the background as an object
    evaluator = InstanceEvaluator(background_as_object=True)

    def measured() -> dict[str, float]:
        return evaluator.evaluate(_at(folder, f"test_{name}"), _open(folder, f"truth_{name}")).as_dict()

    return measured


def instances_blobs(folder: Path) -> Any:
    return _instances(folder, "blobs")


def instances_cells(folder: Path) -> Any:
    return _instances(folder, "cells")


def instances_large_ids(folder: Path) -> Any:
    return _instances(folder, "large_ids")


def _sweep(folder: Path, processor: Any, evaluator: Any, prediction: str, truth: str, criterion: str) -> Any:
    """Return the validation of all settings of a post-processor: what is read, post-processed and scored."""

    def measured() -> dict[str, float]:
        predicted, gt = _open(folder, prediction), _open(folder, truth)
        settings = list(processor.enumerate_parameters())
        labels = NumpyArray.from_np_array(gt[gt.roi], gt.roi, SIZE, gt.axes, units=gt.units)
        outputs = processor.label_all(predicted[predicted.roi], settings)
        scores = evaluator.sweep(outputs, labels)
        return {str(setting): score.value(criterion) for setting, score in zip(settings, scores, strict=True)}

    return measured


def _thresholds(folder: Path, thresholds: tuple[float, ...]) -> Any:
    evaluator = BinarySegmentationEvaluator(80.0, 16.0, ("a",))
    processor = ThresholdPostProcessor(thresholds)
    return _sweep(folder, processor, evaluator, "distances_128", "binary_truth_128", "f1_score")


def distance_validation(folder: Path) -> Any:
    return _thresholds(folder, THRESHOLDS)


def one_threshold(folder: Path) -> Any:
    return _thresholds(folder, (0.05,))


def affinities_validation(folder: Path) -> Any:
    processor = WatershedPostProcessor(NEIGHBORHOOD)
    return _sweep(folder, processor, InstanceEvaluator(), "affinities_128", "truth_128", "voi")


def affinities_validation_cells(folder: Path) -> Any:
    processor = WatershedPostProcessor(NEIGHBORHOOD)
    return _sweep(folder, processor, InstanceEvaluator(), "affinities_cells_128", "truth_cells_128", "voi")


if __name__ == "__main__":
    main(globals())
