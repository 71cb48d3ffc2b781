"""How far a prediction is from its target."""

from abc import ABC, abstractmethod

from torch import Tensor

__all__ = ["Loss"]


class Loss(ABC):
    """Compares a batch of predictions with its targets."""

    @abstractmethod
    def compute(self, prediction: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        """Return the loss of a batch as one number that can be differentiated.

        Parameters
        ----------
        prediction, target, weight
            Tensors of one shape ``(B, C, *spatial)``.
        """
