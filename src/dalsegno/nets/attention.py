"""Attention gates on skip connections."""

from torch import Tensor, nn

from dalsegno.nets.conv import conv
from dalsegno.nets.unet_plan import Shape
from dalsegno.nets.upsample import repeat_voxels

__all__ = ["AttentionGate"]


class AttentionGate(nn.Module):
    """Weaken what a skip connection brings where the level below sees nothing of interest [1]_.

    The weights, 0 to 1, are found at the resolution of the level below and repeated: interpolation would bend
    them at the border, and the seams of a tiled prediction would show.

    Parameters
    ----------
    fmaps_skip, fmaps_gate
        Channels of the skip connection and of the level below.
    factor
        How much finer the skip connection is, per spatial axis.

    References
    ----------
    .. [1] Oktay et al., "Attention U-Net: Learning Where to Look for the Pancreas", MIDL 2018.
    """

    def __init__(self, fmaps_skip: int, fmaps_gate: int, *, factor: Shape) -> None:
        super().__init__()
        between, voxel = max(1, fmaps_skip // 2), (1,) * len(factor)
        self.from_skip = conv(fmaps_skip, between, factor, stride=factor)
        self.from_gate = conv(fmaps_gate, between, voxel)
        self.weigh = nn.Sequential(nn.ReLU(), conv(between, 1, voxel), nn.Sigmoid(), repeat_voxels(factor))

    def forward(self, skip: Tensor, gate: Tensor) -> Tensor:
        """Weight the skip connection.

        Parameters
        ----------
        skip
            ``(batch, fmaps_skip, ...)``, by the factor larger than `gate`.
        gate
            ``(batch, fmaps_gate, ...)``, what the level below gives.

        Returns
        -------
        Tensor
            Like `skip`.
        """
        weight: Tensor = self.weigh(self.from_skip(skip) + self.from_gate(gate))
        return skip * weight
