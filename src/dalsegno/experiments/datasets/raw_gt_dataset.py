"""Raw intensities with ground truth."""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from funlib.geometry import Coordinate

from dalsegno.arrays.array import Array, ArrayConfig
from dalsegno.arrays.intensities_array import IntensitiesArrayConfig
from dalsegno.config import config, field
from dalsegno.errors import DataError, Problem
from dalsegno.experiments.datasets.dataset import Dataset, DatasetConfig

__all__ = ["RawGTDataset", "RawGTDatasetConfig", "as_intensities"]


@config
class RawGTDatasetConfig(DatasetConfig):
    """Raw intensities with ground truth, an optional mask, and optional places to sample."""

    dataset_type: ClassVar[type[Dataset]]

    raw_config: ArrayConfig = field(
        help="Intensities. uint8 and uint16 are scaled to 0 … 1; floats are used as they are."
    )
    gt_config: ArrayConfig = field(help="Labels (integers), on the grid that the network predicts on.")
    mask_config: ArrayConfig | None = field(
        help="Where the labels count: 1 = annotated, 0 = no loss and no score; one channel, or one for "
        "each of gt. Everywhere if not given.",
        default=None,
    )
    sample_points: tuple[Coordinate, ...] | None = field(
        help="World coordinates that training samples are centred on. Anywhere if not given.", default=None
    )

    def problems(self) -> Iterator[Problem]:
        """Yield a problem if there are to be places to sample, but none is given."""
        if self.sample_points == ():
            yield Problem("holds no point, so nothing could be sampled; give one, or leave it out", ("sample_points",))


class RawGTDataset(Dataset):
    """Raw intensities with ground truth; the arrays fit each other.

    Raises
    ------
    DataError
        If an array can't be opened, or the arrays differ in axes or units, do not overlap, or hold
        labels where intensities are expected.
    """

    def __init__(self, dataset_config: RawGTDatasetConfig) -> None:
        self.config = dataset_config
        self.name = dataset_config.name
        self.weight = dataset_config.weight
        self.sample_points = dataset_config.sample_points
        self.raw_config = dataset_config.raw_config
        self.raw = as_intensities(f"dataset {self.name!r}", self.raw_config).open()
        self.gt: Array = dataset_config.gt_config.open()
        self.mask = dataset_config.mask_config.open() if dataset_config.mask_config is not None else None
        self._check_labels()
        for role, array in (("gt", self.gt), ("mask", self.mask)):
            if array is not None:
                self._check_fit(role, array)
        self._check_mask()
        self._check_sample_points()

    def __reduce__(self) -> tuple[type["RawGTDataset"], tuple[RawGTDatasetConfig]]:
        # data workers open the arrays themselves
        return RawGTDataset, (self.config,)

    def _check_labels(self) -> None:
        if self.gt.dtype.kind not in "uib":
            raise DataError(
                f"dataset {self.name!r}: gt has dtype {self.gt.dtype}, but labels are integers; are raw and gt "
                "swapped? If these are probabilities, cut them with ThresholdArray"
            )

    def _check_fit(self, role: str, array: Array) -> None:
        raw = self.raw
        if array.spatial_axes != raw.spatial_axes:
            raise DataError(
                f"dataset {self.name!r}: {role} has axes {array.spatial_axes}, raw has {raw.spatial_axes}; "
                f"set `axes` of {role}_config so that they agree"
            )
        if array.units != raw.units:
            raise DataError(
                f"dataset {self.name!r}: {role} is in {array.units}, raw in {raw.units}; "
                "give both arrays the same `units` (and voxel_size and offset in it)"
            )
        if raw.roi.intersect(array.roi).empty:
            raise DataError(
                f"dataset {self.name!r}: {role} at {array.roi} {array.units} and raw at {raw.roi} do not overlap; "
                "check `offset`, `voxel_size` and crops of both"
            )
        fits = all(a % b == 0 or b % a == 0 for a, b in zip(array.voxel_size, raw.voxel_size, strict=True))
        if not fits:
            raise DataError(
                f"dataset {self.name!r}: {role} has voxels of {array.voxel_size} {array.units}, raw of "
                f"{raw.voxel_size}; neither is a multiple of the other; resample one with ResampledArray"
            )

        shift = (array.roi.begin - raw.roi.begin) % Coordinate(map(min, array.voxel_size, raw.voxel_size))
        if any(shift):
            raise DataError(
                f"dataset {self.name!r}: {role} begins at {array.roi.begin} {array.units}, raw at {raw.roi.begin}: the "
                "voxel grids do not line up; correct the `offset` of one of them"
            )

    def _check_mask(self) -> None:
        mask = self.mask
        if mask is None:
            return
        if mask.num_channels not in (None, 1, self.gt.num_channels):
            raise DataError(
                f"dataset {self.name!r}: mask has {mask.num_channels} channels, gt {self.gt.num_channels or 1}; give "
                "one for each, or one for all of them (LogicalOrArray)"
            )
        if mask.voxel_size != self.gt.voxel_size:
            raise DataError(
                f"dataset {self.name!r}: mask has voxels of {mask.voxel_size} {mask.units}, gt of "
                f"{self.gt.voxel_size}; they need the same: use ResampledArray"
            )

    def _check_sample_points(self) -> None:
        points = self.sample_points or ()
        for point in points:
            if point.dims != self.gt.dims:
                raise DataError(
                    f"dataset {self.name!r}: sample point {point} has {point.dims} numbers, the ground truth "
                    f"{self.gt.dims} spatial axes {self.gt.spatial_axes}; give one number for each, in {self.gt.units}"
                )
        outside = [point for point in points if not self.gt.roi.contains(point)]
        if outside:
            raise DataError(
                f"dataset {self.name!r}: sample point {outside[0]} lies outside the ground truth at {self.gt.roi} "
                f"{self.gt.units}; points are world coordinates"
            )


RawGTDatasetConfig.dataset_type = RawGTDataset


def as_intensities(what: str, raw_config: ArrayConfig) -> ArrayConfig:
    """Return the config that reads raw as floats: uint8 and uint16 are scaled to 0 … 1, floats are left as they are.

    Parameters
    ----------
    what
        What raw belongs to; for messages.
    raw_config
        Intensities. They are opened for their dtype.

    Raises
    ------
    DataError
        If raw can't be opened, or has another dtype.
    """
    dtype = raw_config.open().dtype
    if dtype.kind == "f":
        return raw_config
    if dtype in (np.uint8, np.uint16):
        return IntensitiesArrayConfig(source_array_config=raw_config, min=0.0, max=float(np.iinfo(dtype).max))
    raise DataError(
        f"{what}: raw has dtype {dtype}, which holds labels rather than intensities; are raw and gt swapped? "
        "If these are intensities, scale them with IntensitiesArray"
    )
