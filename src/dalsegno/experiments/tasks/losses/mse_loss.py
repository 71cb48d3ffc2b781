"""Mean squared error."""

from torch import Tensor

from dalsegno.experiments.tasks.losses.loss import Loss
from dalsegno.nets.losses import weighted_mse

__all__ = ["MSELoss"]


class MSELoss(Loss):
    """The weighted mean of the squared error: voxels of weight 0 don't count."""

    def compute(self, prediction: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        """Return the loss of a batch.

        Raises
        ------
        ValueError
            If the shapes differ.
        """
        return weighted_mse(prediction, target, weight)
