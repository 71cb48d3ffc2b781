"""What losses share that count overlap beside the errors of voxels."""

from collections.abc import Callable

from attrs import field, frozen
from torch import Tensor

from dalsegno.experiments.tasks.losses.loss import Loss
from dalsegno.nets.losses import soft_tversky

__all__ = ["DiceLoss"]


@frozen
class DiceLoss(Loss):
    """Base of the losses to which a share of the soft Dice or Tversky loss is added.

    Attributes
    ----------
    dice_weight
        Factor of the Dice loss; 0 leaves it out.
    tversky_beta
        How much missed foreground counts in it against false foreground; at 0.5, as in Dice.
    """

    dice_weight: float = field(default=0.0, kw_only=True)
    tversky_beta: float = field(default=0.5, kw_only=True)

    def _dice(
        self, activation: Callable[[Tensor], Tensor], logits: Tensor, target: Tensor, weight: Tensor
    ) -> Tensor | float:
        """Return the share of the Dice loss that is to be added; without one, nothing is computed."""
        if not self.dice_weight:
            return 0.0
        return self.dice_weight * soft_tversky(activation(logits.float()), target, weight, self.tversky_beta)
