"""What the network learns to predict, and how its targets and weights come out of ground truth."""

from abc import ABC, abstractmethod
from collections.abc import Iterator

import numpy as np
from funlib.geometry import Coordinate, Roi
from numpy.typing import NDArray

from dalsegno.arrays.array import Array
from dalsegno.experiments.architectures.architecture import Architecture
from dalsegno.experiments.model import Model
from dalsegno.ops.balance import ClassCounts

__all__ = ["Predictor"]


class Predictor(ABC):
    """Makes the model of a task, the targets that it is trained on, and their weights.

    Attributes
    ----------
    channels
        Names of the channels of a prediction.
    """

    channels: tuple[str, ...]

    @abstractmethod
    def create_model(self, architecture: Architecture) -> Model:
        """Return the architecture with a head that predicts `channels`."""

    @abstractmethod
    def check_gt(self, gt: Array) -> None:
        """Refuse ground truth that can't be the labels of this task, before a voxel of it is read.

        Raises
        ------
        DataError
            If its channels, axes or dtype don't fit; the message says what to do.
        """

    def check_labels(self, gt: Array, mask: Array, roi: Roi) -> None:  # noqa: B027 - most labels can't be wrong
        """Refuse annotated labels that can't be those of this task; by default, none.

        Parameters
        ----------
        gt
            Labels that passed `check_gt`.
        mask
            Above 0 where they are annotated.
        roi
            Region to look at, in world units; `gt` and `mask` cover it.

        Raises
        ------
        DataError
            If there are; the message says what to do.
        """

    def doubts(self, gt: Array) -> Iterator[str]:  # noqa: ARG002
        """Yield what looks wrong about the task for this ground truth, but may be meant; by default, nothing."""
        yield from ()

    @abstractmethod
    def gt_context(self, voxel_size: Coordinate, units: str) -> Coordinate:
        """Return how much ground truth around a region its target depends on.

        Parameters
        ----------
        voxel_size
            Voxel size of the ground truth, in `units`.
        units
            Base unit of the ground truth.

        Returns
        -------
        Coordinate
            World units on each side of the region, per spatial axis, a multiple of `voxel_size`.
        """

    def gt_region_for_roi(self, roi: Roi, voxel_size: Coordinate, units: str) -> Roi:
        """Return the region of ground truth that the target of a region depends on, in world units."""
        context = self.gt_context(voxel_size, units)
        return roi.grow(context, context)

    @abstractmethod
    def create_target(self, gt: Array, mask: Array, roi: Roi) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return what the network should predict on a region, and where that is known.

        Parameters
        ----------
        gt
            Labels that cover `roi` grown by `gt_context`.
        mask
            The same region; above 0 where the labels are annotated, for all channels of the labels alike or for
            each its own.
        roi
            Region of the target, in world units.

        Returns
        -------
        target, mask
            Two arrays of shape ``(C, *spatial)``, the second 0 or 1.

        Raises
        ------
        DataError
            If the labels don't fit the channels.
        """

    @abstractmethod
    def create_weight(
        self, target: NDArray[np.float32], mask: NDArray[np.float32], counts: ClassCounts | None
    ) -> tuple[NDArray[np.float32], ClassCounts]:
        """Return how much each voxel of a batch counts in the loss.

        Parameters
        ----------
        target, mask
            What `create_target` returned, stacked to ``(B, C, *spatial)``.
        counts
            Class counts of all batches before this one; None for the first.

        Returns
        -------
        weight, counts
            Weights of shape ``(B, C, *spatial)``, 0 outside the mask, and the counts with this batch.
        """
