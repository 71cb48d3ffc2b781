"""Loss of labels and distances that are learned together."""

from attrs import frozen
from torch import Tensor

from dalsegno.experiments.tasks.losses.loss import Loss
from dalsegno.nets.losses import soft_tversky, weighted_binary_cross_entropy, weighted_mse

__all__ = ["HotDistanceLoss"]


@frozen
class HotDistanceLoss(Loss):
    """The weighted mean cross entropy of the first half of the channels, plus the squared error of the second.

    Attributes
    ----------
    dice_weight
        Factor of the soft Dice loss of the first half; 0 leaves it out.
    tversky_beta
        How much missed foreground counts in it against false foreground; at 0.5, as in Dice.
    """

    dice_weight: float = 0.0
    tversky_beta: float = 0.5

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
        if self.dice_weight:
            dice = soft_tversky(hot.float().sigmoid(), labels, hot_weight, self.tversky_beta)
            loss = loss + self.dice_weight * dice
        return loss
