"""Convolutions in two or three dimensions, and a few of them in a row."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from dalsegno.nets.unet_plan import Kernels, Padding, Shape

__all__ = ["Conv3d", "ConvPass", "conv"]

BATCH_NORM = {2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
HAS_ONEDNN = bool(torch.backends.mkldnn.is_available())  # type: ignore[no-untyped-call]


class Conv3d(nn.Conv3d):
    """A 3D convolution that is as quick for one sample as it is for each of several.

    On the CPU, torch takes its slow path for batches of one sample up to a certain size, which are just the
    tiles of a prediction. Here they go to oneDNN, several times as fast with equal weights and results.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Convolve ``(batch, channel, z, y, x)``."""
        single = len(x) == 1 and self.in_channels > 1
        plain = x.device.type == "cpu" and x.dtype == self.weight.dtype == torch.float32
        if single and plain and HAS_ONEDNN and not isinstance(self.padding, str):
            return torch.mkldnn_convolution(
                x, self.weight, self.bias, self.padding, self.stride, self.dilation, self.groups
            )
        return super().forward(x)


CONV: dict[int, Callable[..., nn.Conv2d | Conv3d]] = {2: nn.Conv2d, 3: Conv3d}


def conv(
    fmaps_in: int, fmaps_out: int, kernel: Shape, *, padding: Padding = "valid", stride: Shape | int = 1
) -> nn.Module:
    """Return a convolution with as many dimensions as its kernel, weights drawn for the ReLU that follows [1]_.

    References
    ----------
    .. [1] He et al., "Delving Deep into Rectifiers", ICCV 2015.
    """
    margin = tuple(size // 2 if padding == "same" else 0 for size in kernel)
    layer = CONV[len(kernel)](fmaps_in, fmaps_out, kernel, stride=stride, padding=margin)
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    return layer


class ConvPass(nn.Sequential):
    """Convolutions in a row, each with a ReLU.

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

    def __init__(
        self, fmaps_in: int, fmaps_out: int, *, kernels: Kernels, padding: Padding = "valid", batch_norm: bool = False
    ) -> None:
        layers: list[nn.Module] = []
        for kernel in kernels:
            layers.append(conv(fmaps_in, fmaps_out, kernel, padding=padding))
            if batch_norm:
                layers.append(BATCH_NORM[len(kernel)](fmaps_out))
            layers.append(nn.ReLU(inplace=True))
            fmaps_in = fmaps_out
        super().__init__(*layers)
