"""Predicts which neighbouring voxels belong to the same object."""

import numpy as np
from attrs import frozen
from funlib.geometry import Coordinate, Roi
from numpy.typing import NDArray
from torch import nn

from dalsegno.arrays.array import Array
from dalsegno.errors import ConfigError, DataError
from dalsegno.experiments.architectures.architecture import Architecture
from dalsegno.experiments.model import Model
from dalsegno.experiments.tasks.ground_truth import annotated, check_instance_labels, instance_labels
from dalsegno.experiments.tasks.predictors.head import head
from dalsegno.experiments.tasks.predictors.predictor import Predictor
from dalsegno.experiments.tasks.predictors.shape_descriptors import ShapeDescriptors
from dalsegno.ops.affinities import affinities, affinity_mask
from dalsegno.ops.balance import ClassCounts, balance_weights

__all__ = ["AffinitiesPredictor"]


@frozen
class AffinitiesPredictor(Predictor):
    """Predicts, for each voxel and offset, the logit that the voxel there belongs to the same object.

    Attributes
    ----------
    neighborhood
        Offsets in voxels per axis, of either sign.
    descriptors
        Local shape descriptors that are learned as well; None: none. A network that has to know the shapes
        of objects makes better affinities [1]_.
    background_as_object
        Take the background for one more object.
    clipmin, clipmax
        Bounds on the share of joined and parted voxels when they are balanced.

    References
    ----------
    .. [1] Sheridan et al., "Local shape descriptors for neuron segmentation", Nature Methods 2023.
    """

    neighborhood: tuple[Coordinate, ...]
    descriptors: ShapeDescriptors | None = None
    background_as_object: bool = False
    clipmin: float = 0.05
    clipmax: float = 0.95

    @property
    def channels(self) -> tuple[str, ...]:  # type: ignore[override]
        """``aff_z.y.x`` for each offset, then the descriptors."""
        names = tuple("aff_" + ".".join(map(str, offset)) for offset in self.neighborhood)
        return names if self.descriptors is None else names + self.descriptors.names(self.neighborhood[0].dims)

    def create_model(self, architecture: Architecture) -> Model:
        """Return the architecture with one logit per channel; in evaluation their sigmoid.

        Raises
        ------
        ConfigError
            If the network has other axes than the offsets.
        """
        dims = self.neighborhood[0].dims
        if architecture.dims != dims:
            raise ConfigError(
                f"the network works on {architecture.dims} axes, the neighborhood has offsets of {dims} numbers: there "
                "would be no voxel at an offset; write one number per axis, 0 for axes that are not crossed"
            )
        return Model(architecture, head(architecture, len(self.channels)), eval_activation=nn.Sigmoid())

    def check_gt(self, gt: Array) -> None:
        """Refuse ground truth that is no single channel of instances, or has other axes than the offsets."""
        check_instance_labels(gt)
        dims = self.neighborhood[0].dims
        if gt.dims != dims:
            example = (*(0,) * (gt.dims - 1), 1)
            raise DataError(
                f"the ground truth has {gt.dims} axes ({', '.join(gt.spatial_axes)}), the offsets of the neighborhood "
                f"have {dims} numbers, such as {tuple(self.neighborhood[0])}: there is no voxel at such an offset; "
                f"write {gt.dims} numbers, such as {example} for the next voxel along {gt.spatial_axes[-1]}"
            )

    def gt_context(self, voxel_size: Coordinate, units: str) -> Coordinate:  # noqa: ARG002
        """Return the farthest offset along each axis, to both sides, or how far descriptors see."""
        reach = self._reach(voxel_size)
        if self.descriptors is None:
            return reach
        return Coordinate(map(max, reach, self.descriptors.context(voxel_size)))

    def create_target(self, gt: Array, mask: Array, roi: Roi) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the affinities, and where both voxels are annotated; then the descriptors, and where one is.

        Raises
        ------
        DataError
            If the labels are no instances, or have other axes than the offsets.
        """
        self.check_gt(gt)
        reach = self._reach(gt.voxel_size)
        around = roi.grow(reach, reach)
        inner = (slice(None), *((roi - around.begin) / gt.voxel_size).to_slices())
        ids, known_ids = instance_labels(gt, around), annotated(mask, around)
        joined = affinities(ids, self.neighborhood, background_as_object=self.background_as_object)
        target = joined[inner].astype(np.float32)
        known = affinity_mask(known_ids, self.neighborhood)[inner].astype(np.float32)
        if self.descriptors is None:
            return target, known
        shapes = self.descriptors.create_target(gt, mask, roi, background_as_object=self.background_as_object)
        known_shapes = np.broadcast_to(known_ids[inner[1:]], shapes.shape)
        return np.concatenate([target, shapes]), np.concatenate([known, known_shapes], dtype=np.float32)

    def create_weight(
        self, target: NDArray[np.float32], mask: NDArray[np.float32], counts: ClassCounts | None
    ) -> tuple[NDArray[np.float32], ClassCounts]:
        """Return weights that make joined and parted voxels count the same, for each offset.

        All descriptors share weights that make objects and background count the same.
        """
        count, rows = len(self.neighborhood), counts.counts if counts else ()
        before = ClassCounts(rows[:count]) if rows else None
        weight, seen = balance_weights(
            target[:, :count] > 0, mask[:, :count], before, clipmin=self.clipmin, clipmax=self.clipmax
        )
        if self.descriptors is None:
            return weight, seen
        shared, objects = balance_weights(
            target[:, -1:] > 0,
            mask[:, -1:],
            ClassCounts(rows[count:]) if rows else None,
            clipmin=self.descriptors.clipmin,
            clipmax=self.descriptors.clipmax,
        )
        repeated = np.repeat(shared, target.shape[1] - count, axis=1)
        return np.concatenate([weight, repeated], axis=1), ClassCounts(seen.counts + objects.counts)

    def _reach(self, voxel_size: Coordinate) -> Coordinate:
        # to both sides: samples may be mirrored
        return Coordinate(max(map(abs, along)) for along in zip(*self.neighborhood, strict=True)) * voxel_size
