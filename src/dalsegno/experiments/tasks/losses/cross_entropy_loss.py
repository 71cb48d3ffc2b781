"""Cross entropy of classes that exclude each other."""

from functools import partial

import torch
from attrs import frozen
from torch import Tensor

from dalsegno.experiments.tasks.losses.dice_loss import DiceLoss
from dalsegno.nets.losses import weighted_cross_entropy

__all__ = ["CrossEntropyLoss"]


@frozen
class CrossEntropyLoss(DiceLoss):
    """The weighted mean of the cross entropy, plus a share of the soft Dice loss of the classes."""

    def compute(self, prediction: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        """Return the loss of a batch of logits.

        Raises
        ------
        ValueError
            If the shapes differ.
        """
        loss = weighted_cross_entropy(prediction, target, weight)
        return loss + self._dice(partial(torch.softmax, dim=1), prediction, target, weight)
