"""Random rotation and smooth deformation."""

import math
import random
from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
from funlib.geometry import Coordinate, Roi
from numpy.typing import NDArray

from dalsegno.config import config, evolve, field, positive
from dalsegno.errors import DataError, Problem
from dalsegno.experiments.trainers._gunpowder import gp
from dalsegno.experiments.trainers.augments.augment_config import AugmentConfig, probability
from dalsegno.units import Length, length_in

__all__ = ["ElasticAugmentConfig"]


@config
class ElasticAugmentConfig(AugmentConfig):
    """Rotate, and move the points of a coarse grid at random with smooth deformation between them."""

    control_point_spacing: tuple[int, ...] = field(
        help="Distance of the control points in raw voxels, one for each spatial axis.", check=positive
    )
    control_point_displacement_sigma: tuple[Length, ...] = field(
        help="Standard deviation of their displacement, one for each spatial axis, in world units of raw or with a "
        "unit of its own ('40 nm'); 0 keeps an axis still."
    )
    rotation_interval: tuple[float, float] = field(
        help="Smallest and largest angle in radians, in the plane of the last two axes."
    )
    subsample: int = field(
        help="The deformation is computed on a grid coarser by this factor, and interpolated.",
        default=1,
        check=positive,
    )
    uniform_3d_rotation: bool = field(
        help="Rotate by any angle about any axis instead; needs isotropic data.", default=False
    )
    augmentation_probability: float = field(help="How often it is applied.", default=1.0, check=probability)

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong: axes that do not match, or negative deviations."""
        sigma, spacing = self.control_point_displacement_sigma, self.control_point_spacing
        if len(sigma) != len(spacing):
            yield Problem(f"has {len(sigma)} axes, control_point_spacing has {len(spacing)}; give one number for each "
                          "spatial axis", ("control_point_displacement_sigma",))  # fmt: skip
        if any(str(value).lstrip().startswith("-") for value in sigma):
            yield Problem(f"must not be negative, got {sigma}", ("control_point_displacement_sigma",))
        if self.uniform_3d_rotation and len(spacing) != 3:
            yield Problem(f"needs 3 spatial axes, control_point_spacing has {len(spacing)}", ("uniform_3d_rotation",))

    def in_units(self, units: str) -> "ElasticAugmentConfig":
        """Return the same augmentation with its lengths as numbers of a unit."""
        sigma = tuple(length_in(value, units) for value in self.control_point_displacement_sigma)
        return evolve(self, control_point_displacement_sigma=sigma)

    def node(self, _raw_key: Any = None, _gt_key: Any = None, _mask_key: Any = None) -> Any:
        """Return the gunpowder node."""
        return _Elastic(self, _raw_key)


class _Elastic(gp.BatchFilter):  # type: ignore[misc]
    """Samples every array where the deformed grid points, in world units: voxel sizes may differ."""

    def __init__(self, settings: ElasticAugmentConfig, raw_key: Any) -> None:
        self.settings = settings
        self.raw_key = raw_key
        self.sampled: dict[Any, NDArray[np.float64]] = {}

    def skip_node(self, request: Any) -> bool:  # noqa: ARG002 - gunpowder passes it
        return random.random() > self.settings.augmentation_probability

    def prepare(self, request: Any) -> Any:
        total = request.get_total_roi()
        self._check_axes(total.dims)
        rotation = self._rotation(total.dims)
        displacement = _Displacement(self.settings, total, self.spec[self.raw_key].voxel_size)
        dependencies = gp.BatchRequest()
        for key, spec in request.items():
            voxel_size = self.spec[key].voxel_size
            points = _voxel_centres(spec.roi, voxel_size)
            centre = _column(np.array(total.begin) + np.array(total.shape) / 2, total.dims)
            moved = np.einsum("ij,j...->i...", rotation, points - centre) + centre
            moved += displacement.at(spec.roi, voxel_size)
            source = _bounds(moved, spec.roi.begin, voxel_size)
            self.sampled[key] = (moved - _column(source.begin, total.dims)) / _column(voxel_size, total.dims) - 0.5
            dependencies[key] = spec.copy()
            dependencies[key].roi = source
        return dependencies

    def process(self, batch: Any, request: Any) -> None:
        from scipy.ndimage import map_coordinates

        for key, array in batch.arrays.items():
            points = self.sampled[key]
            order: Literal[0, 1] = 1 if self.spec[key].interpolatable else 0
            channels = array.data.reshape(-1, *array.data.shape[-len(points) :])
            moved = [map_coordinates(channel, points, order=order, mode="nearest") for channel in channels]
            lead = array.data.shape[: array.data.ndim - len(points)]
            array.data = np.stack(moved).reshape(*lead, *points.shape[1:])
            array.spec.roi = request[key].roi

    def _check_axes(self, dims: int) -> None:
        given = len(self.settings.control_point_spacing)
        if given != dims:
            raise DataError(
                f"ElasticAugment: control_point_spacing has {given} numbers, the data {dims} spatial axes; give "
                f"control_point_spacing and control_point_displacement_sigma {dims} numbers each, in the order of the "
                "axes of raw"
            )

    def _rotation(self, dims: int) -> NDArray[np.float64]:
        rotation = np.eye(dims)
        if self.settings.uniform_3d_rotation:
            # a random unit quaternion is a uniform rotation (Shoemake, 1992)
            from scipy.spatial.transform import Rotation

            quaternion = np.random.normal(size=4)  # noqa: NPY002 - gunpowder seeds this generator
            return np.asarray(Rotation.from_quat(quaternion).as_matrix())
        angle = random.uniform(*self.settings.rotation_interval)
        if dims >= 2:
            rotation[-2:, -2:] = [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
        return rotation


class _Displacement:
    """Random displacements of control points, interpolated in between by cubic splines."""

    def __init__(self, settings: ElasticAugmentConfig, total: Roi, voxel_size: Coordinate) -> None:
        self.settings = settings
        self.spacing = np.array(settings.control_point_spacing) * np.array(voxel_size)
        self.begin = np.array(total.begin)
        counts = np.ceil(np.array(total.shape) / self.spacing).astype(int) + 3
        self.points = [
            np.random.normal(0, float(sigma), counts) if sigma else None  # noqa: NPY002 - gunpowder seeds this generator
            for sigma in settings.control_point_displacement_sigma
        ]

    def at(self, roi: Roi, voxel_size: Coordinate) -> NDArray[np.float64]:
        """Return displacements in world units, shape (axes, *voxels of the ROI)."""
        from scipy.ndimage import map_coordinates, zoom

        shape = roi.shape / voxel_size
        coarse = [max(1, -(-voxels // self.settings.subsample)) for voxels in shape]
        axes = [
            (begin - start + (np.arange(count) + 0.5) * length / count) / spacing + 1
            for begin, start, count, length, spacing in zip(
                roi.begin, self.begin, coarse, roi.shape, self.spacing, strict=True
            )
        ]
        grid = np.stack(np.meshgrid(*axes, indexing="ij"))
        field_ = np.zeros((len(shape), *shape))
        for axis, points in enumerate(self.points):
            if points is not None:
                values = map_coordinates(points, grid, order=3, mode="nearest")
                factors = [fine / rough for fine, rough in zip(shape, coarse, strict=True)]
                field_[axis] = (
                    zoom(values, factors, order=1, grid_mode=True, mode="nearest") if max(factors) > 1 else values
                )
        return field_


def _voxel_centres(roi: Roi, voxel_size: Coordinate) -> NDArray[np.float64]:
    axes = [
        begin + (np.arange(count) + 0.5) * size
        for begin, count, size in zip(roi.begin, roi.shape / voxel_size, voxel_size, strict=True)
    ]
    return np.stack(np.meshgrid(*axes, indexing="ij"))


def _bounds(points: NDArray[np.float64], anchor: Coordinate, voxel_size: Coordinate) -> Roi:
    """Return the voxels, on the grid of `anchor`, that linear interpolation at the points needs."""
    flat = (points.reshape(len(points), -1) - _column(anchor, 1)) / _column(voxel_size, 1) - 0.5
    # rounding keeps an axis that did not move exactly where it was
    low = np.floor(np.round(flat.min(1), 6)).astype(int).tolist()
    high = (np.ceil(np.round(flat.max(1), 6)).astype(int) + 1).tolist()
    return Roi(anchor + Coordinate(low) * voxel_size, (Coordinate(high) - Coordinate(low)) * voxel_size)


def _column(values: Any, dims: int) -> NDArray[np.float64]:
    """Shape one number for each axis so that it broadcasts over (axes, *voxels)."""
    return np.array(values, dtype=float).reshape(-1, *[1] * dims)
