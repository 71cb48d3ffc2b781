"""Predicts which of several classes each voxel belongs to."""

import numpy as np
from attrs import frozen
from funlib.geometry import Coordinate, Roi
from numpy.typing import NDArray
from torch import nn

from dalsegno.arrays.array import Array
from dalsegno.experiments.architectures.architecture import Architecture
from dalsegno.experiments.model import Model
from dalsegno.experiments.tasks.ground_truth import annotated, check_class_labels, class_labels
from dalsegno.experiments.tasks.predictors.head import head
from dalsegno.experiments.tasks.predictors.predictor import Predictor
from dalsegno.ops.balance import ClassCounts, balance_weights

__all__ = ["OneHotPredictor"]


@frozen
class OneHotPredictor(Predictor):
    """Predicts one logit per class; in evaluation their softmax.

    Attributes
    ----------
    channels
        Names of the classes; label i of the ground truth is the i-th of them, from 0.
    kernel_size
        Voxels of the last convolution along each axis, odd.
    """

    channels: tuple[str, ...]
    kernel_size: int = 3

    def create_model(self, architecture: Architecture) -> Model:
        """Return the architecture with one output per class."""
        last = head(architecture, len(self.channels), self.kernel_size)
        return Model(architecture, last, eval_activation=nn.Softmax(dim=1))

    def check_gt(self, gt: Array) -> None:
        """Refuse ground truth that is neither one channel of class labels nor one channel for each class."""
        check_class_labels(gt, self.channels)

    def check_labels(self, gt: Array, mask: Array, roi: Roi) -> None:
        """Refuse annotated voxels that belong to no class, or to several."""
        class_labels(gt, roi, self.channels, annotated(mask, roi))

    def gt_context(self, voxel_size: Coordinate, units: str) -> Coordinate:  # noqa: ARG002
        """Return zeros: a class does not depend on its surroundings."""
        return Coordinate((0,) * voxel_size.dims)

    def create_target(self, gt: Array, mask: Array, roi: Roi) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return 1 in the channel of each voxel's class and 0 in all others.

        Raises
        ------
        DataError
            If the labels are no classes, an annotated voxel has a label of none, or belongs to several.
        """
        known, count = annotated(mask, roi), len(self.channels)
        labels = class_labels(gt, roi, self.channels, known)
        target = np.stack([labels == i for i in range(count)]).astype(np.float32)
        return target, np.repeat(known[None], count, axis=0).astype(np.float32)

    def create_weight(
        self, target: NDArray[np.float32], mask: NDArray[np.float32], counts: ClassCounts | None
    ) -> tuple[NDArray[np.float32], ClassCounts]:
        """Return weights that make all classes count the same."""
        classes = target.argmax(axis=1)[:, None]
        weights, counts = balance_weights(classes, mask[:, :1], counts, num_classes=len(self.channels))
        return np.repeat(weights, len(self.channels), axis=1), counts
