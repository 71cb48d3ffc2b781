"""A few convolutions in a row."""

from torch import nn

from dalsegno.nets.conv import conv
from dalsegno.nets.unet_plan import Kernels, Padding

__all__ = ["conv_pass"]

BATCH_NORM = {2: nn.BatchNorm2d, 3: nn.BatchNorm3d}


def conv_pass(
    fmaps_in: int, fmaps_out: int, *, kernels: Kernels, padding: Padding = "valid", batch_norm: bool = False
) -> nn.Sequential:
    """Return convolutions in a row, each with a ReLU.

    Parameters
    ----------
    fmaps_in, fmaps_out
        Channels that go in, and that each of the convolutions gives.
    kernels
        Size of each convolution, in voxels; odd for ``"same"`` padding.
    padding
        ``"valid"`` or ``"same"`` (zeros beyond the border).
    batch_norm
        Normalise between convolution and ReLU.
    """
    layers: list[nn.Module] = []
    for kernel in kernels:
        layers.append(conv(fmaps_in, fmaps_out, kernel, padding=padding))
        if batch_norm:
            layers.append(BATCH_NORM[len(kernel)](fmaps_out))
        layers.append(nn.ReLU(inplace=True))
        fmaps_in = fmaps_out
    return nn.Sequential(*layers)
