"""Training samples, cut and augmented by gunpowder; sample *i* depends on the seed and *i* alone."""

import random
from math import prod
from typing import Any

import numpy as np
from attrs import define, field, frozen
from funlib.geometry import Coordinate, Roi
from numpy.typing import NDArray

from dalsegno.arrays.array import Array
from dalsegno.arrays.numpy_array import NumpyArray
from dalsegno.errors import DalsegnoError, DataError
from dalsegno.experiments.datasets.dataset import Dataset
from dalsegno.experiments.tasks.predictors.predictor import Predictor
from dalsegno.experiments.trainers._gunpowder import gp
from dalsegno.experiments.trainers.augments.augment_config import AugmentConfig
from dalsegno.experiments.trainers.gunpowder_pipeline import GT, MASK, RAW, build_pipeline, labels_of, request_batch
from dalsegno.patches.locations import SampleSpace, draw_location, sample_generator

__all__ = ["GunpowderSamples", "PatchShape", "Sample"]

MOST_VOXELS = 2**28
"""So much ground truth around a sample is never needed: targets that see farther are a mistake."""


@frozen
class PatchShape:
    """What the network takes and gives, in voxels of raw and voxels of its output.

    Attributes
    ----------
    input_shape, output_shape
        Spatial voxels.
    scale
        Raw voxels are larger than output voxels by this factor.
    """

    input_shape: Coordinate
    output_shape: Coordinate
    scale: Coordinate


@frozen(eq=False)
class Sample:
    """One training sample.

    Attributes
    ----------
    raw
        float32, (channels, *input voxels).
    gt
        The labels under the target, (c?, *output voxels).
    target, mask
        float32, (channels, *output voxels).
    dataset
        Name of the dataset.
    roi
        Where it was cut, world units (the target's region before augmentation).
    """

    raw: NDArray[np.float32]
    gt: NDArray[Any]
    target: NDArray[np.float32]
    mask: NDArray[np.float32]
    dataset: str
    roi: Roi


@define(eq=False)
class GunpowderSamples:
    """Map from index to training sample, for torch's `DataLoader`.

    The pipelines are built where samples are drawn, in each data worker. gunpowder seeds Python's and
    numpy's global generators for every request; their state is put back afterwards.
    """

    datasets: list[Dataset]
    predictor: Predictor
    patch: PatchShape
    augments: tuple[AugmentConfig, ...]
    seed: int
    min_masked: float = 0.0
    clip_raw: bool = False
    _pipelines: dict[int, Any] = field(factory=dict, init=False)
    _spaces: list[SampleSpace] = field(factory=list, init=False)

    def __getstate__(self) -> dict[str, Any]:
        names = ("datasets", "predictor", "patch", "augments", "seed", "min_masked", "clip_raw")
        return {name: getattr(self, name) for name in names} | {"_pipelines": {}, "_spaces": []}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            setattr(self, name, value)

    def __getitem__(self, index: int) -> Sample | DalsegnoError:
        """Return sample `index`, or the error that its user should see: a worker would garble it."""
        python_state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002
        try:
            return self.draw(index)
        except DalsegnoError as error:
            return error
        finally:
            random.setstate(python_state)
            np.random.set_state(numpy_state)  # noqa: NPY002

    def draw(self, index: int) -> Sample:
        """Return sample `index`.

        Raises
        ------
        DataError
            If the data can't be read, holds NaN, is too small, or holds labels that the task has no target for; or if
            targets depend on more ground truth than fits in memory.
        """
        generator = sample_generator(self.seed, index)
        self._spaces = self._spaces or [_space(dataset, self.patch, self.min_masked) for dataset in self.datasets]
        chosen, roi = draw_location(self._spaces, generator)
        return self._augmented(self.datasets[chosen], chosen, roi, int(generator.integers(2**32)))

    def _augmented(self, dataset: Dataset, position: int, roi: Roi, seed: int) -> Sample:
        raw_size, output_size = dataset.raw.voxel_size, dataset.raw.voxel_size / self.patch.scale
        margin = self.patch.input_shape * raw_size - self.patch.output_shape * output_size
        local = roi - dataset.raw.roi.begin
        around = self.predictor.gt_region_for_roi(local, output_size, dataset.raw.units)
        _check_context(dataset, local, around, output_size)
        request = gp.BatchRequest(random_seed=seed)
        request[RAW] = gp.ArraySpec(roi=local.grow(margin / 2, margin / 2))
        request[GT] = gp.ArraySpec(roi=around)
        request[MASK] = gp.ArraySpec(roi=around)
        if position not in self._pipelines:
            self._pipelines[position] = build_pipeline(dataset, self.augments)
        batch = request_batch(self._pipelines[position], request)
        raw = np.asarray(batch[RAW].data, dtype=np.float32)
        raw = np.clip(raw, 0, 1) if self.clip_raw else raw
        gt = _as_array(batch[GT].data, around, output_size, dataset.raw)
        mask = _as_array(batch[MASK].data, around, output_size, dataset.raw)
        try:
            target, target_mask = self.predictor.create_target(gt, mask, local)
        except DataError as error:
            raise DataError(f"dataset {dataset.name!r}: {error}") from error
        return Sample(
            raw=raw.reshape(-1, *self.patch.input_shape),
            gt=gt[local],
            target=target,
            mask=target_mask,
            dataset=dataset.name,
            roi=roi,
        )


def _check_context(dataset: Dataset, roi: Roi, around: Roi, voxel_size: Coordinate) -> None:
    """Refuse targets that see so far that what they see could not be held, be it data or nothing."""
    sample, seen = roi.shape / voxel_size, around.shape / voxel_size
    if prod(seen) > max(MOST_VOXELS, 8 * prod(sample)):
        context = roi.begin - around.begin
        raise DataError(
            f"dataset {dataset.name!r}: targets depend on ground truth up to {context} {dataset.raw.units} away, that "
            f"of a sample of {_times(sample)} voxels on {_times(seen)}, more than memory could hold; lower what sets "
            "how far they see: scale_factor (is its unit right?), num_lsd_voxels or neighborhood of the task"
        )


def _times(shape: Coordinate) -> str:
    return " x ".join(map(str, shape))


def _as_array(data: NDArray[Any], roi: Roi, voxel_size: Coordinate, like: Array) -> NumpyArray:
    axes = ["c"] * (data.ndim - like.dims) + like.spatial_axes
    return NumpyArray.from_np_array(data, roi, voxel_size, axes, units=like.units)


def _space(dataset: Dataset, patch: PatchShape, min_masked: float) -> SampleSpace:
    raw, gt = dataset.raw, labels_of(dataset)
    predicted = raw.voxel_size / patch.scale
    if gt.voxel_size != predicted or predicted * patch.scale != raw.voxel_size:
        raise DataError(
            f"dataset {dataset.name!r}: from voxels of {raw.voxel_size} {raw.units} the network predicts voxels "
            f"{patch.scale} times finer, gt has voxels of {gt.voxel_size}; resample gt with ResampledArray, or change "
            "`upsample_factors` of the architecture"
        )
    shared = raw.roi.intersect(gt.roi) - raw.roi.begin
    return SampleSpace(
        name=dataset.name,
        region=shared.snap_to_grid(raw.voxel_size, mode="shrink") + raw.roi.begin,
        shape=patch.output_shape * predicted,
        grid=raw.voxel_size,
        weight=dataset.weight,
        sample_points=dataset.sample_points,
        mask=dataset.mask,
        min_masked=min_masked,
    )
