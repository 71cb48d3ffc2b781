"""The gunpowder pipeline of one dataset: a source that reads its arrays, and the augments behind it."""

from typing import Any

import numpy as np
from funlib.geometry import Roi
from numpy.typing import NDArray

from dalsegno.arrays.array import Array
from dalsegno.errors import DalsegnoError, DataError
from dalsegno.experiments.datasets.dataset import Dataset
from dalsegno.experiments.trainers._gunpowder import gp
from dalsegno.experiments.trainers.augments.augment_config import AugmentConfig
from dalsegno.patches.padding import read_mirrored

__all__ = ["GT", "MASK", "RAW", "build_pipeline", "labels_of", "request_batch"]

RAW, GT, MASK = gp.ArrayKey("RAW"), gp.ArrayKey("GT"), gp.ArrayKey("MASK")


def build_pipeline(dataset: Dataset, augments: tuple[AugmentConfig, ...]) -> Any:
    """Return the pipeline, set up, that provides RAW, GT and MASK of a dataset after the augments.

    Coordinates of its requests count from the corner of raw.
    """
    pipeline = gp.Pipeline(_DatasetSource(dataset))
    for augment in augments:
        pipeline = pipeline + augment.in_units(dataset.raw.units).node(RAW, GT, MASK)
    pipeline.setup()
    return pipeline


def request_batch(pipeline: Any, request: Any) -> Any:
    """Request a batch; an error of ours inside the pipeline comes out as itself."""
    try:
        return pipeline.request_batch(request)
    except Exception as error:
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, DalsegnoError):
            cause = cause.__cause__ or cause.__context__
        if cause is None:
            raise
        raise cause from None


def labels_of(dataset: Dataset) -> Array:
    """Return the ground truth of a dataset, which must have one."""
    if dataset.gt is None:
        raise DataError(f"dataset {dataset.name!r} has no ground truth, and training needs it; set gt_config")
    return dataset.gt


class _DatasetSource(gp.BatchProvider):  # type: ignore[misc]
    """Provides a dataset's arrays; beyond their borders raw is mirrored, gt and mask are 0.

    Coordinates count from the corner of raw, so that augments may swap axes.
    """

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset

    def setup(self) -> None:
        dataset = self.dataset
        gt = labels_of(dataset)
        everywhere = Roi((None,) * gt.dims, (None,) * gt.dims)
        self.provides(RAW, gp.ArraySpec(roi=everywhere, voxel_size=dataset.raw.voxel_size, interpolatable=True))
        self.provides(GT, gp.ArraySpec(roi=everywhere, voxel_size=gt.voxel_size, interpolatable=False))
        self.provides(MASK, gp.ArraySpec(roi=everywhere, voxel_size=gt.voxel_size, interpolatable=False))

    def provide(self, request: Any) -> Any:
        read = {RAW: self._raw, GT: self._gt, MASK: self._mask}
        batch = gp.Batch()
        for key, spec in request.array_specs.items():
            data = read[key](spec.roi + self.dataset.raw.roi.begin)
            full = self.spec[key].copy()
            full.roi = spec.roi
            batch[key] = gp.Array(data, full)
        return batch

    def _raw(self, roi: Roi) -> NDArray[Any]:
        data = np.array(read_mirrored(self.dataset.raw, roi), dtype=np.float32)
        if not np.isfinite(data).all():
            raise DataError(
                f"dataset {self.dataset.name!r}: raw holds NaN or infinite values within {roi}; training on them would "
                "turn every weight into NaN: fill them in the data, or crop them off"
            )
        return data

    def _gt(self, roi: Roi) -> NDArray[Any]:
        return np.array(labels_of(self.dataset).to_ndarray(roi, fill_value=0))

    def _mask(self, roi: Roi) -> NDArray[np.uint8]:
        gt, mask = labels_of(self.dataset), self.dataset.mask
        if mask is not None:
            return np.asarray(mask.to_ndarray(roi, fill_value=0) > 0, dtype=np.uint8)
        inside = roi.intersect(gt.roi)
        annotated = np.zeros(roi.shape / gt.voxel_size, dtype=np.uint8)
        annotated[((inside - roi.begin) / gt.voxel_size).to_slices()] = 1
        return annotated
