"""From a coarse level of a network to a finer one."""

from collections.abc import Callable

from torch import nn

from dalsegno.nets.conv_pass import conv_pass
from dalsegno.nets.unet_plan import Shape

__all__ = ["repeat_voxels", "upsample"]

CONV_TRANSPOSE: dict[int, Callable[..., nn.ConvTranspose2d | nn.ConvTranspose3d]] = {
    2: nn.ConvTranspose2d,
    3: nn.ConvTranspose3d,
}


def upsample(fmaps_in: int, fmaps_out: int, factor: Shape, *, constant: bool) -> nn.Sequential:
    """Return a module that takes ``(batch, fmaps_in, ...)`` to ``(batch, fmaps_out, ...)``, larger by the factor.

    Parameters
    ----------
    fmaps_in, fmaps_out
        Channels that go in and come out.
    factor
        By how much each spatial axis grows.
    constant
        Mix the channels of each voxel and repeat it; otherwise learn the voxels that each voxel becomes, by a
        transposed convolution. A ReLU belongs to either.
    """
    if constant:
        # Mixing before repeating gives the same as after, at a fraction of the voxels.
        return nn.Sequential(conv_pass(fmaps_in, fmaps_out, kernels=((1,) * len(factor),)), repeat_voxels(factor))
    layer = CONV_TRANSPOSE[len(factor)](fmaps_in, fmaps_out, factor, stride=factor)
    # Each voxel that comes out sees one voxel of the input, in all its channels.
    nn.init.normal_(layer.weight, std=(2 / fmaps_in) ** 0.5)
    return nn.Sequential(layer, nn.ReLU(inplace=True))


def repeat_voxels(factor: Shape) -> nn.Upsample:
    """Return a module that repeats the voxels of ``(batch, channel, ...)`` along each spatial axis."""
    return nn.Upsample(scale_factor=tuple(map(float, factor)), mode="nearest")
