"""Convolutions in two or three dimensions."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from dalsegno.nets.unet_plan import Padding, Shape

__all__ = ["Conv3d", "conv"]

HAS_ONEDNN = bool(torch.backends.mkldnn.is_available())  # type: ignore[no-untyped-call]


class Conv3d(nn.Conv3d):
    """A 3D convolution that takes a single sample as quickly as each of several; zeros for padding.

    On the CPU, torch takes its slow path for a batch of one up to a certain size, which is just what the tiles
    of a prediction are. Here they go to oneDNN like larger batches: equal weights and values, in a fraction of
    the time. With a single channel, the way of torch is the quicker one.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Convolve ``(batch, channel, z, y, x)``."""
        if self._is_slow(x) and not isinstance(self.padding, str):
            return torch.mkldnn_convolution(
                x, self.weight, self.bias, self.padding, self.stride, self.dilation, self.groups
            )
        return super().forward(x)

    def _is_slow(self, x: Tensor) -> bool:
        single = len(x) == 1 and self.in_channels > 1
        plain = x.device.type == "cpu" and x.dtype == self.weight.dtype == torch.float32
        return single and plain and HAS_ONEDNN and not torch.is_autocast_enabled("cpu")


CONV: dict[int, Callable[..., nn.Conv2d | Conv3d]] = {2: nn.Conv2d, 3: Conv3d}


def conv(
    fmaps_in: int, fmaps_out: int, kernel: Shape, *, padding: Padding = "valid", stride: Shape | int = 1
) -> nn.Module:
    """Return a convolution with as many dimensions as its kernel, weights drawn for the ReLU that follows [1]_.

    Parameters
    ----------
    fmaps_in, fmaps_out
        Channels that go in and come out.
    kernel, stride
        In voxels, one number for each spatial axis; odd kernels for ``"same"`` padding.
    padding
        ``"valid"`` or ``"same"`` (zeros beyond the border).

    References
    ----------
    .. [1] He et al., "Delving Deep into Rectifiers", ICCV 2015.
    """
    margin = tuple(size // 2 if padding == "same" else 0 for size in kernel)
    layer = CONV[len(kernel)](fmaps_in, fmaps_out, kernel, stride=stride, padding=margin)
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    return layer
