"""Loss of labels and distances that are learned together."""

import torch
from attrs import frozen
from torch import Tensor

from dalsegno.experiments.tasks.losses.dice_loss import DiceLoss
from dalsegno.nets.losses import weighted_binary_cross_entropy, weighted_mse

__all__ = ["HotDistanceLoss"]


@frozen
class HotDistanceLoss(DiceLoss):
    """The weighted mean cross entropy of the first half of the channels, plus the squared error of the second.

    A share of the soft Dice loss of the first half may be added.
    """

    def compute(self, prediction: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        """Return the loss of a batch of logits and distances.

        Raises
        ------
        ValueError
            If the shapes differ.
        """
        (hot, distance), (labels, true), (hot_weight, distance_weight) = (
            tensor.tensor_split(2, dim=1) for tensor in (prediction, target, weight)
        )
        loss = weighted_binary_cross_entropy(hot, labels, hot_weight) + weighted_mse(distance, true, distance_weight)
        return loss + self._dice(torch.sigmoid, hot, labels, hot_weight)
