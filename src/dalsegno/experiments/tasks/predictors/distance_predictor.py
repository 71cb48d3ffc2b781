"""Predicts how far each voxel is from the nearest object boundary."""

import math
from collections.abc import Iterator
from itertools import product

import numpy as np
from attrs import frozen
from funlib.geometry import Coordinate, Roi
from numpy.typing import NDArray

from dalsegno.arrays.array import Array
from dalsegno.experiments.architectures.architecture import Architecture
from dalsegno.experiments.model import Model
from dalsegno.experiments.tasks.ground_truth import annotated_channels, binary_channels, check_binary_channels
from dalsegno.experiments.tasks.predictors.head import head
from dalsegno.experiments.tasks.predictors.predictor import Predictor
from dalsegno.ops.balance import ClassCounts, balance_weights
from dalsegno.ops.bounding_box import bounding_box
from dalsegno.ops.distances import SATURATED, distance_mask, tanh_distances
from dalsegno.units import Length, length_in

__all__ = ["DistancePredictor"]

CONSTANT = 0.99
"""A target beyond this, after tanh, says no more than on which side of the boundary a voxel is."""


@frozen
class DistancePredictor(Predictor):
    """Predicts ``tanh(signed distance / scale_factor)`` for each channel, after Heinrich et al. [1]_.

    Attributes
    ----------
    channels
        Names of the structures, one distance each.
    scale_factor
        Distance at which the target is 0.76, in world units or with its own unit.
    mask_distances
        Leave out voxels to which an unseen boundary, beyond the annotated region, may be nearer than
        any seen one.
    in_plane
        Measure distances within each section of a volume: not along its first axis.
    clipmin, clipmax
        Bounds on the share of foreground and background when they are balanced.

    References
    ----------
    .. [1] Heinrich et al., "Synaptic Cleft Segmentation in Non-Isotropic Volume Electron Microscopy of
       the Complete Drosophila Brain", MICCAI 2018.
    """

    channels: tuple[str, ...]
    scale_factor: Length = 1.0
    mask_distances: bool = True
    in_plane: bool = False
    clipmin: float = 0.05
    clipmax: float = 0.95

    def create_model(self, architecture: Architecture) -> Model:
        """Return the architecture with one linear output per channel."""
        return Model(architecture, head(architecture, len(self.channels)))

    def check_gt(self, gt: Array) -> None:
        """Refuse ground truth that does not have one channel for each of the task."""
        check_binary_channels(gt, self.channels)

    def doubts(self, gt: Array) -> Iterator[str]:
        """Yield that targets saturate within two voxels of a boundary, along any axis: they are mere labels then."""
        scale, smallest = length_in(self.scale_factor, gt.units), min(gt.voxel_size[int(self._by_section(gt.dims)) :])
        # the centre of the second voxel
        if math.tanh(1.5 * smallest / scale) > CONSTANT:
            yield (
                f"scale_factor {self.scale_factor} is {scale:g} {gt.units}, and voxels are {gt.voxel_size}: from the "
                "second voxel of a boundary on, targets are -1 or 1 throughout, and no distances are learned; give "
                f"several voxels, such as {10 * smallest} {gt.units}"
            )

    def gt_context(self, voxel_size: Coordinate, units: str) -> Coordinate:
        """Return the distance at which targets saturate: with it, patches lose no voxel at their edges.

        Without `mask_distances` no context is asked for: that is quicker, but a boundary just outside a
        patch is not seen.
        """
        reach = math.atanh(SATURATED) * length_in(self.scale_factor, units) if self.mask_distances else 0
        context = [math.ceil(reach / size) * size for size in voxel_size]
        return Coordinate([0, *context[1:]] if self._by_section(voxel_size.dims) else context)

    def create_target(self, gt: Array, mask: Array, roi: Roi) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the distances, and where they are known.

        Distances are measured in the box around the annotated voxels. If the annotation is a single
        section thick, nothing is known across it, and distances are those within the section.

        Raises
        ------
        DataError
            If the labels don't have one channel for each of the task.
        """
        context = self.gt_context(gt.voxel_size, gt.units)
        around = roi.grow(context, context)
        labels = binary_channels(gt, around, self.channels)
        known_in = annotated_channels(mask, around, len(self.channels))
        scale = length_in(self.scale_factor, gt.units)
        target, known = np.zeros(labels.shape, np.float32), np.zeros(labels.shape, np.bool_)
        sections = [slice(z, z + 1) for z in range(labels.shape[1])] if self._by_section(gt.dims) else [slice(None)]
        for channel, section in product(range(len(labels)), sections):
            block = channel, section
            target[block], known[block] = self._distances(labels[block], known_in[block], gt.voxel_size, scale)
        begin = context / gt.voxel_size
        inner = (slice(None), *(slice(b, b + n) for b, n in zip(begin, roi.shape / gt.voxel_size, strict=True)))
        return np.ascontiguousarray(target[inner]), known[inner].astype(np.float32)

    def create_weight(
        self, target: NDArray[np.float32], mask: NDArray[np.float32], counts: ClassCounts | None
    ) -> tuple[NDArray[np.float32], ClassCounts]:
        """Return weights that make foreground and background of each channel count the same."""
        return balance_weights(target > 0, mask, counts, clipmin=self.clipmin, clipmax=self.clipmax)

    def _by_section(self, dims: int) -> bool:
        return self.in_plane and dims > 2

    def _distances(
        self, labels: NDArray[np.bool_], annotated: NDArray[np.bool_], voxel_size: Coordinate, scale: float
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        target, known = np.zeros(labels.shape, np.float32), np.zeros(labels.shape, np.bool_)
        box = bounding_box(annotated)
        if annotated.any():
            target[box] = tanh_distances(labels[box], voxel_size, scale)
            known[box] = annotated[box]
            if self.mask_distances:
                known[box] = distance_mask(target[box], annotated[box], voxel_size, scale)
        return target, known
