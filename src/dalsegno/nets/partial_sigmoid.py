"""The sigmoid of some channels."""

import torch
from torch import Tensor, nn

__all__ = ["PartialSigmoid"]


class PartialSigmoid(nn.Module):
    """Makes probabilities of the first channels and leaves the others as they are.

    Parameters
    ----------
    num_logits
        How many channels are logits.
    """

    def __init__(self, num_logits: int) -> None:
        super().__init__()
        self.num_logits = num_logits

    def forward(self, x: Tensor) -> Tensor:
        """Take ``(batch, channel, ...)`` to the same shape."""
        return torch.cat([x[:, : self.num_logits].sigmoid(), x[:, self.num_logits :]], dim=1)
