"""A predictor for trials."""

import numpy as np
from attrs import frozen
from funlib.geometry import Coordinate, Roi
from numpy.typing import NDArray

from dalsegno.arrays.array import Array
from dalsegno.experiments.architectures.architecture import Architecture
from dalsegno.experiments.model import Model
from dalsegno.experiments.tasks.ground_truth import annotated
from dalsegno.experiments.tasks.predictors.head import head
from dalsegno.experiments.tasks.predictors.predictor import Predictor
from dalsegno.ops.balance import ClassCounts

__all__ = ["DummyPredictor"]


@frozen
class DummyPredictor(Predictor):
    """Predicts so many numbers for each voxel, whose target is 0.

    Attributes
    ----------
    embedding_dims
        How many.
    """

    embedding_dims: int

    @property
    def channels(self) -> tuple[str, ...]:  # type: ignore[override]
        """``e0``, ``e1``, …."""
        return tuple(f"e{position}" for position in range(self.embedding_dims))

    def create_model(self, architecture: Architecture) -> Model:
        """Return the architecture with one output per channel."""
        return Model(architecture, head(architecture, self.embedding_dims))

    def check_gt(self, gt: Array) -> None:
        """Take any ground truth."""

    def gt_context(self, voxel_size: Coordinate, units: str) -> Coordinate:  # noqa: ARG002
        """Return zeros: targets don't depend on anything."""
        return Coordinate((0,) * voxel_size.dims)

    def create_target(self, gt: Array, mask: Array, roi: Roi) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return zeros, and where the ground truth is annotated."""
        known = annotated(mask, roi)
        shape = (self.embedding_dims, *(roi.shape / gt.voxel_size))
        return np.zeros(shape, np.float32), np.broadcast_to(known, shape).astype(np.float32)

    def create_weight(
        self,
        target: NDArray[np.float32],  # noqa: ARG002
        mask: NDArray[np.float32],
        counts: ClassCounts | None,
    ) -> tuple[NDArray[np.float32], ClassCounts]:
        """Return the mask."""
        return mask, counts or ClassCounts(())
