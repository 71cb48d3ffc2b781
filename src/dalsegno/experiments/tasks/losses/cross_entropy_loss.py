"""Cross entropy of classes that exclude each other."""

from attrs import frozen
from torch import Tensor

from dalsegno.experiments.tasks.losses.loss import Loss
from dalsegno.nets.losses import soft_tversky, weighted_cross_entropy

__all__ = ["CrossEntropyLoss"]


@frozen
class CrossEntropyLoss(Loss):
    """The weighted mean of the cross entropy, plus a share of the soft Dice or Tversky loss.

    Attributes
    ----------
    dice_weight
        Factor of the Dice loss; 0 leaves it out.
    tversky_beta
        How much missed foreground counts in it against false foreground; at 0.5, as in Dice.
    """

    dice_weight: float = 0.0
    tversky_beta: float = 0.5

    def compute(self, prediction: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        """Return the loss of a batch of logits.

        Raises
        ------
        ValueError
            If the shapes differ.
        """
        loss = weighted_cross_entropy(prediction, target, weight)
        if self.dice_weight:
            probabilities = prediction.float().softmax(dim=1)
            loss = loss + self.dice_weight * soft_tversky(probabilities, target, weight, self.tversky_beta)
        return loss
