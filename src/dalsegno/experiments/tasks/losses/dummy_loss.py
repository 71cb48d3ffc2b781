"""A loss for trials."""

from torch import Tensor

from dalsegno.experiments.tasks.losses.loss import Loss

__all__ = ["DummyLoss"]


class DummyLoss(Loss):
    """The mean absolute error; weights don't count."""

    def compute(self, prediction: Tensor, target: Tensor, weight: Tensor) -> Tensor:  # noqa: ARG002
        """Return the loss of a batch."""
        return (prediction.float() - target.float()).abs().mean()
