"""Predicts where structures are, and how far each voxel is from their boundaries."""

from collections.abc import Iterator

import numpy as np
from attrs import frozen
from funlib.geometry import Coordinate, Roi
from numpy.typing import NDArray

from dalsegno.arrays.array import Array
from dalsegno.experiments.architectures.architecture import Architecture
from dalsegno.experiments.model import Model
from dalsegno.experiments.tasks.ground_truth import annotated_channels, binary_channels
from dalsegno.experiments.tasks.predictors.distance_predictor import DistancePredictor
from dalsegno.experiments.tasks.predictors.head import head
from dalsegno.experiments.tasks.predictors.predictor import Predictor
from dalsegno.nets.partial_sigmoid import PartialSigmoid
from dalsegno.ops.balance import ClassCounts

__all__ = ["HotDistancePredictor"]


@frozen
class HotDistancePredictor(Predictor):
    """Predicts one logit for each structure, then one tanh distance for each.

    Attributes
    ----------
    distances
        Makes the distances of the structures, and balances both halves, channel by channel.
    kernel_size
        Voxels of the last convolution along each axis, odd.
    """

    distances: DistancePredictor
    kernel_size: int = 3

    @property
    def channels(self) -> tuple[str, ...]:  # type: ignore[override]
        """``<structure>__hot`` for each structure, then ``<structure>__distance`` for each."""
        return tuple(f"{name}__{half}" for half in ("hot", "distance") for name in self.distances.channels)

    def create_model(self, architecture: Architecture) -> Model:
        """Return the architecture with its outputs; in evaluation, the first half are probabilities."""
        return Model(
            architecture,
            head(architecture, len(self.channels), self.kernel_size),
            eval_activation=PartialSigmoid(len(self.distances.channels)),
        )

    def check_gt(self, gt: Array) -> None:
        """Refuse ground truth that does not have one channel for each structure."""
        self.distances.check_gt(gt)

    def doubts(self, gt: Array) -> Iterator[str]:
        """Yield those about the distances."""
        yield from self.distances.doubts(gt)

    def gt_context(self, voxel_size: Coordinate, units: str) -> Coordinate:
        """Return what the distances need."""
        return self.distances.gt_context(voxel_size, units)

    def create_target(self, gt: Array, mask: Array, roi: Roi) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return labels and distances; labels are known where they are annotated, distances where they are known.

        Raises
        ------
        DataError
            If the labels don't have one channel for each structure.
        """
        names = self.distances.channels
        hot, known = binary_channels(gt, roi, names), annotated_channels(mask, roi, len(names))
        distances, known_distances = self.distances.create_target(gt, mask, roi)
        target = np.concatenate([hot & known, distances], dtype=np.float32, casting="unsafe")
        return target, np.concatenate([known, known_distances], dtype=np.float32, casting="unsafe")

    def create_weight(
        self, target: NDArray[np.float32], mask: NDArray[np.float32], counts: ClassCounts | None
    ) -> tuple[NDArray[np.float32], ClassCounts]:
        """Return weights that make foreground and background count the same, in each channel of both halves."""
        return self.distances.create_weight(target, mask, counts)
