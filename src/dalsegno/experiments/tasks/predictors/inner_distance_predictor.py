"""Predicts how far each voxel of a structure is from its boundary."""

import numpy as np
from attrs import frozen
from funlib.geometry import Roi
from numpy.typing import NDArray

from dalsegno.arrays.array import Array
from dalsegno.experiments.tasks.ground_truth import annotated_channels, binary_channels
from dalsegno.experiments.tasks.predictors.distance_predictor import DistancePredictor

__all__ = ["InnerDistancePredictor"]


@frozen
class InnerDistancePredictor(DistancePredictor):
    """Predicts ``tanh(distance / scale_factor)`` inside each structure, and 0 outside.

    Attributes are those of `DistancePredictor`.
    """

    def create_target(self, gt: Array, mask: Array, roi: Roi) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the distances, and where they are known: in the background wherever it is annotated.

        Raises
        ------
        DataError
            If the labels don't have one channel for each of the task.
        """
        distances, known = super().create_target(gt, mask, roi)
        background = ~binary_channels(gt, roi, self.channels) & annotated_channels(mask, roi, len(self.channels))
        return np.maximum(distances, 0), np.maximum(known, background, dtype=np.float32)
