"""The U-Net of CNNectome: 2D or 3D, anisotropic factors and kernels, super-resolution."""

from collections.abc import Iterable, Iterator
from math import prod

from funlib.geometry import Coordinate
from torch import Tensor

from dalsegno.config import config, field, one_of, positive
from dalsegno.errors import ConfigPath, DataError, Problem
from dalsegno.experiments.architectures.architecture import Architecture, ArchitectureConfig
from dalsegno.nets.unet import UNet
from dalsegno.nets.unet_plan import Shape, UNetPlan

__all__ = ["CNNectomeUNet", "CNNectomeUNetConfig"]

Passes = tuple[tuple[Coordinate, ...], ...]


@config
class CNNectomeUNetConfig(ArchitectureConfig):
    """A U-Net in 2D or 3D, as many dimensions as its factors have.

    An input shape that does not go through the levels is a problem of the config, which names the nearest
    sizes that do. Nothing is padded or cut in silence.
    """

    input_shape: Coordinate = field(help="Shape of a training sample, in voxels: (z, y, x) or (y, x).", check=positive)
    fmaps_out: int = field(help="Channels that the network gives to the head.", check=positive)
    fmaps_in: int = field(help="Channels of the raw data.", check=positive)
    num_fmaps: int = field(help="Feature maps of the top level.", check=positive)
    fmap_inc_factor: int = field(
        help="How many times more feature maps each level has than the one above.", check=positive
    )
    downsample_factors: tuple[Coordinate, ...] = field(
        help="By how much each level is down-sampled along each axis on its way to the next, from the top down."
    )
    kernel_size_down: Passes | None = field(
        default=None,
        help="Kernels of the convolutions of each level on the way down, in voxels, odd: a list for each level "
        "from the top to the bottom, one more than there are factors. Two of 3 voxels per axis by default.",
    )
    kernel_size_up: Passes | None = field(
        default=None,
        help="Kernels of the convolutions of each level on the way up, in voxels, odd: a list for each factor, "
        "from the top down. Two of 3 voxels per axis by default.",
    )
    eval_shape_increase: Coordinate | None = field(
        default=None,
        help="What the input shape grows by in prediction, in voxels, which needs less memory than training.",
    )
    upsample_factors: tuple[Coordinate, ...] | None = field(
        default=None, help="Up-sampling along each axis after the network, step by step: super-resolution."
    )
    constant_upsample: bool = field(
        default=True, help="Repeat voxels on the way up; otherwise learn a transposed convolution."
    )
    padding: str = field(
        default="valid",
        help="valid: convolutions lose their margin. same: they see zeros beyond the border.",
        check=one_of("valid", "same"),
    )
    use_attention: bool = field(default=False, help="Gate the skip connections by attention.")
    batch_norm: bool = field(default=False, help="Normalise over the batch after each convolution.")

    @property
    def plan(self) -> UNetPlan:
        """How the network is built."""
        default = ((3,) * len(self.input_shape),) * 2
        levels = len(self.downsample_factors)
        return UNetPlan(
            fmaps_in=self.fmaps_in,
            fmaps_out=self.fmaps_out,
            num_fmaps=self.num_fmaps,
            fmap_inc_factor=self.fmap_inc_factor,
            downsample_factors=_plain(self.downsample_factors),
            kernels_down=(default,) * (levels + 1)
            if self.kernel_size_down is None
            else tuple(map(_plain, self.kernel_size_down)),
            kernels_up=(default,) * levels if self.kernel_size_up is None else tuple(map(_plain, self.kernel_size_up)),
            upsample_factors=_plain(self.upsample_factors or ()),
            constant_upsample=self.constant_upsample,
            padding="same" if self.padding == "same" else "valid",
            use_attention=self.use_attention,
            batch_norm=self.batch_norm,
        )

    def output_shape(self, input_shape: Coordinate) -> Coordinate:
        """Return the spatial shape that comes out for one that goes in, in voxels, by whole-number arithmetic.

        Raises
        ------
        DataError
            If the shape does not go through the levels; the message names the nearest sizes that do.
        """
        return Coordinate(self.plan.output_shape(input_shape))

    def problems(self) -> Iterator[Problem]:
        """Yield factors and kernels that don't fit the axes, else shapes that don't go through the levels."""
        wrong = [*self._level_problems(), *self._axis_problems()]
        yield from wrong or self._shape_problems()

    def _level_problems(self) -> Iterator[Problem]:
        if len(self.input_shape) not in (2, 3):
            yield Problem(f"must have 2 or 3 axes, got {len(self.input_shape)}", ("input_shape",))
        levels = len(self.downsample_factors)
        if not levels:
            yield Problem("must have at least one factor, as a U-Net has two levels or more", ("downsample_factors",))
        expected = {"kernel_size_down": levels + 1, "kernel_size_up": levels}
        for name, number in expected.items():
            passes = getattr(self, name)
            if passes is not None and (len(passes) != number or not all(passes)):
                message = f"must have {number} lists of at least one kernel for {levels} downsample_factors"
                yield Problem(f"{message}, got {[len(kernels) for kernels in passes]} kernels", (name,))

    def _axis_problems(self) -> Iterator[Problem]:
        dims = len(self.input_shape)
        for path, values in self._values_per_axis():
            least = 0 if path == ("eval_shape_increase",) else 1
            if len(values) != dims:
                message = f"{tuple(values)} does not fit input_shape {tuple(self.input_shape)}"
                yield Problem(f"{message}: give {dims} numbers, one for each axis", path)
            elif min(values) < least:
                yield Problem(f"must be {least} or more along each axis, got {tuple(values)}", path)
            elif str(path[0]).startswith("kernel") and any(value % 2 == 0 for value in values):
                message = f"{tuple(values)} has an even size, which would shift the output by half a voxel"
                yield Problem(f"{message}; use odd sizes", path)

    def _values_per_axis(self) -> Iterator[tuple[ConfigPath, Coordinate]]:
        if self.eval_shape_increase is not None:
            yield ("eval_shape_increase",), self.eval_shape_increase
        for name in ("downsample_factors", "upsample_factors"):
            for step, factor in enumerate(getattr(self, name) or ()):
                yield (name, step), factor
        for name in ("kernel_size_down", "kernel_size_up"):
            for level, kernels in enumerate(getattr(self, name) or ()):
                yield from (((name, level, position), kernel) for position, kernel in enumerate(kernels))

    def _shape_problems(self) -> Iterator[Problem]:
        plan = self.plan
        for axis, size in enumerate(self.input_shape):
            if not plan.output_size(size, axis):
                yield Problem(plan.misfit(size, axis), ("input_shape", axis))
            elif self.eval_shape_increase is not None and not plan.output_size(
                larger := size + self.eval_shape_increase[axis], axis
            ):
                message = f"input_shape + eval_shape_increase: {plan.misfit(larger, axis)}"
                yield Problem(message, ("eval_shape_increase", axis))


class CNNectomeUNet(Architecture):
    """A U-Net for 2D or 3D data, after CNNectome [1]_.

    Parameters
    ----------
    architecture_config
        Channels, levels, factors and kernels.

    References
    ----------
    .. [1] Heinrich et al., "Whole-cell organelle segmentation in volume electron microscopy", Nature 2021.
    """

    def __init__(self, architecture_config: CNNectomeUNetConfig) -> None:
        super().__init__()
        self.architecture_config = architecture_config
        self.unet = self.module()

    def module(self) -> UNet:
        """Return a new network of this architecture, with weights of its own."""
        return UNet(self.architecture_config.plan)

    @property
    def input_shape(self) -> Coordinate:
        """Spatial shape of a training sample, in voxels."""
        return self.architecture_config.input_shape

    @property
    def eval_shape_increase(self) -> Coordinate:
        """What `input_shape` grows by in prediction, in voxels."""
        increase = self.architecture_config.eval_shape_increase
        return super().eval_shape_increase if increase is None else increase

    @property
    def num_in_channels(self) -> int:
        """Channels of the raw data."""
        return self.architecture_config.fmaps_in

    @property
    def num_out_channels(self) -> int:
        """Channels that the network gives to the head."""
        return self.architecture_config.fmaps_out

    def scale(self, voxel_size: Coordinate) -> Coordinate:
        """Return the voxel size of the output: finer than the input's by the product of the up-sampling factors.

        Raises
        ------
        DataError
            If the voxel size of the output is not whole.
        """
        factors = self.architecture_config.upsample_factors or ()
        finer = tuple(prod(along) for along in zip((1,) * self.dims, *factors, strict=True))
        if any(size % factor for size, factor in zip(voxel_size, finer, strict=True)):
            raise DataError(
                f"voxel size {tuple(voxel_size)} can't be divided by the upsample_factors {finer} into whole numbers; "
                "give the array a finer unit (units: pm instead of nm)"
            )
        return Coordinate(size // factor for size, factor in zip(voxel_size, finer, strict=True))

    def forward(self, x: Tensor) -> Tensor:
        """Take ``(batch, fmaps_in, ...)`` to ``(batch, fmaps_out, ...)``.

        Raises
        ------
        DataError
            If the spatial shape does not go through the levels.
        """
        y: Tensor = self.unet(x)
        return y


def _plain(values: Iterable[Coordinate]) -> tuple[Shape, ...]:
    return tuple(tuple(value) for value in values)


CNNectomeUNetConfig.architecture_type = CNNectomeUNet
