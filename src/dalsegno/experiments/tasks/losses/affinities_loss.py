"""Loss of affinities, and of the local shape descriptors that are learned beside them."""

import torch
from attrs import frozen
from torch import Tensor

from dalsegno.experiments.tasks.losses.dice_loss import DiceLoss
from dalsegno.nets.losses import weighted_binary_cross_entropy, weighted_mse

__all__ = ["AffinitiesLoss"]


@frozen
class AffinitiesLoss(DiceLoss):
    """The weighted mean cross entropy of affinities, plus a share of the squared error of descriptors.

    All channels of a prediction are logits: of the affinities first, then of the descriptors. A share of the soft Dice
    loss of the affinities may be added.

    Attributes
    ----------
    num_affinities
        How many of the channels are affinities.
    lsds_to_affs_weight_ratio
        Factor of the descriptors' squared error.
    """

    num_affinities: int
    lsds_to_affs_weight_ratio: float = 1.0

    def compute(self, prediction: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        """Return the loss of a batch of logits.

        Raises
        ------
        ValueError
            If the shapes differ.
        """
        count = self.num_affinities
        logits, joined, counted = prediction[:, :count], target[:, :count], weight[:, :count]
        loss = weighted_binary_cross_entropy(logits, joined, counted)
        loss = loss + self._dice(torch.sigmoid, logits, joined, counted)
        if prediction.shape[1] > count:
            descriptors = weighted_mse(prediction[:, count:].float().sigmoid(), target[:, count:], weight[:, count:])
            loss = loss + self.lsds_to_affs_weight_ratio * descriptors
        return loss
