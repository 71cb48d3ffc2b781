"""The U-Net."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from dalsegno.nets.attention import AttentionGate
from dalsegno.nets.conv_pass import conv_pass
from dalsegno.nets.unet_plan import Kernels, UNetPlan
from dalsegno.nets.upsample import repeat_voxels, upsample

__all__ = ["UNet", "centre_crop"]

MAX_POOL = {2: nn.MaxPool2d, 3: nn.MaxPool3d}


class UNet(nn.Module):
    """A 2D or 3D U-Net [1]_ with factors and kernels per level and axis, as electron microscopy uses it [2]_.

    With valid padding it is translation equivariant: two inputs that overlap, shifted by a multiple of the
    product of all factors, give the same values where their outputs overlap.

    Parameters
    ----------
    plan
        Channels, levels, factors and kernels.

    References
    ----------
    .. [1] Ronneberger, Fischer, Brox, "U-Net: Convolutional Networks for Biomedical Image Segmentation",
       MICCAI 2015.
    .. [2] Heinrich et al., "Whole-cell organelle segmentation in volume electron microscopy", Nature 2021.
    """

    def __init__(self, plan: UNetPlan) -> None:
        super().__init__()
        self.plan = plan
        self.top = _level(plan, 0)
        self.finer = nn.Sequential()
        for factor in plan.upsample_factors:
            self.finer.append(repeat_voxels(factor))
            self.finer.append(_pass(plan, plan.fmaps_out, plan.fmaps_out, plan.kernels_up[-1]))

    def forward(self, x: Tensor) -> Tensor:
        """Take ``(batch, fmaps_in, ...)`` to ``(batch, fmaps_out, ...)``, of the shape `UNetPlan.output_shape`.

        Raises
        ------
        DataError
            If the spatial shape does not go through the levels.
        """
        self.plan.output_shape(x.shape[2:])
        y: Tensor = self.finer(self.top(x))
        return y


class Level(nn.Module):
    """One level of a U-Net with all that lies below it: a pass, down, the level below, up, another pass."""

    def __init__(self, plan: UNetPlan, level: int) -> None:
        super().__init__()
        self.plan, self.level = plan, level
        factor, skipped, below = plan.downsample_factors[level], plan.fmaps(level), plan.fmaps(level + 1)
        # The top keeps the width of the level below: there are few channels to save, and a sharp image to make.
        raised = plan.fmaps(max(level, 1))
        self.before = _pass_down(plan, level)
        self.down = MAX_POOL[plan.dims](factor)
        self.below = _level(plan, level + 1)
        self.up = upsample(below, raised, factor, constant=plan.constant_upsample)
        self.gate = AttentionGate(skipped, below, factor=factor) if plan.use_attention else None
        self.after = _pass(plan, skipped + raised, skipped if level else plan.fmaps_out, plan.kernels_up[level])

    def forward(self, x: Tensor) -> Tensor:
        """Take ``(batch, channel, ...)`` through this level and those below it."""
        skipped = self.before(x)
        below = self.below(self.down(skipped))
        raised = self.up(below)
        skipped = centre_crop(skipped, raised.shape[2:])
        if self.gate is not None:
            skipped = self.gate(skipped, below)
        inner = [self.plan.equivariant_size(size, axis, self.level) for axis, size in enumerate(raised.shape[2:])]
        y: Tensor = self.after(torch.cat([centre_crop(skipped, inner), centre_crop(raised, inner)], dim=1))
        return y


def centre_crop(x: Tensor, shape: Sequence[int]) -> Tensor:
    """Return the middle of ``(batch, channel, ...)``, with the given spatial shape."""
    for axis, size in enumerate(shape, start=2):
        x = x.narrow(axis, (x.shape[axis] - size) // 2, size)
    return x


def _level(plan: UNetPlan, level: int) -> nn.Module:
    return Level(plan, level) if level < plan.depth else _pass_down(plan, level)


def _pass_down(plan: UNetPlan, level: int) -> nn.Sequential:
    fmaps_in = plan.fmaps(level - 1) if level else plan.fmaps_in
    return _pass(plan, fmaps_in, plan.fmaps(level), plan.kernels_down[level])


def _pass(plan: UNetPlan, fmaps_in: int, fmaps_out: int, kernels: Kernels) -> nn.Sequential:
    return conv_pass(fmaps_in, fmaps_out, kernels=kernels, padding=plan.padding, batch_norm=plan.batch_norm)
