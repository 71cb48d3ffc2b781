"""Loss of affinities, and of the local shape descriptors that are learned beside them."""

from attrs import frozen
from torch import Tensor

from dalsegno.experiments.tasks.losses.loss import Loss
from dalsegno.nets.losses import soft_tversky, weighted_binary_cross_entropy, weighted_mse

__all__ = ["AffinitiesLoss"]


@frozen
class AffinitiesLoss(Loss):
    """The weighted mean cross entropy of affinities, plus a share of the squared error of descriptors.

    All channels of a prediction are logits: of the affinities first, then of the descriptors.

    Attributes
    ----------
    num_affinities
        How many of the channels are affinities.
    lsds_to_affs_weight_ratio
        Factor of the descriptors' squared error.
    dice_weight
        Factor of the affinities' soft Dice loss; 0 leaves it out.
    tversky_beta
        How much missed affinities count in it against false ones; at 0.5, as in Dice.
    """

    num_affinities: int
    lsds_to_affs_weight_ratio: float = 1.0
    dice_weight: float = 0.0
    tversky_beta: float = 0.5

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
        if self.dice_weight:
            dice = soft_tversky(logits.float().sigmoid(), joined, counted, self.tversky_beta)
            loss = loss + self.dice_weight * dice
        if prediction.shape[1] > count:
            descriptors = weighted_mse(prediction[:, count:].float().sigmoid(), target[:, count:], weight[:, count:])
            loss = loss + self.lsds_to_affs_weight_ratio * descriptors
        return loss
