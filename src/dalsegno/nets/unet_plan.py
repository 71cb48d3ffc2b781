"""The build of a U-Net in whole numbers, and the sizes that go through it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from math import prod
from typing import Literal

from dalsegno.errors import DataError

__all__ = ["Kernels", "Padding", "Shape", "UNetPlan"]

Shape = tuple[int, ...]
"""One whole number for each spatial axis, in the axis order of the data: (z, y, x) or (y, x)."""

Kernels = tuple[Shape, ...]
"""The kernel of each convolution of a pass, in voxels."""

Padding = Literal["valid", "same"]


@dataclass(frozen=True, kw_only=True)
class UNetPlan:
    """How a U-Net is built, level by level, and what size comes out for a size that goes in.

    Level 0 has the resolution of the input, level ``depth`` is the bottom. All kernels are odd, so that the
    output lies in the middle of the input, to the voxel.

    Attributes
    ----------
    fmaps_in, fmaps_out
        Channels of the input and of the output.
    num_fmaps, fmap_inc_factor
        Level i has ``num_fmaps * fmap_inc_factor**i`` feature maps.
    downsample_factors
        By how much level i is down-sampled on its way to level i + 1.
    kernels_down, kernels_up
        Kernels of the passes before down-sampling (one more than factors: the bottom) and after up-sampling.
    upsample_factors
        Steps of super-resolution after the last pass.
    constant_upsample
        Repeat voxels on the way up; otherwise learn a transposed convolution.
    padding
        ``"valid"`` convolutions lose their margin; ``"same"`` ones see zeros beyond the border.
    use_attention, batch_norm
        Gate the skip connections; normalise after each convolution of a pass.
    """

    fmaps_in: int
    fmaps_out: int
    num_fmaps: int
    fmap_inc_factor: int
    downsample_factors: tuple[Shape, ...]
    kernels_down: tuple[Kernels, ...]
    kernels_up: tuple[Kernels, ...]
    upsample_factors: tuple[Shape, ...] = ()
    constant_upsample: bool = True
    padding: Padding = "valid"
    use_attention: bool = False
    batch_norm: bool = False

    @property
    def depth(self) -> int:
        """How many times the data is down-sampled."""
        return len(self.downsample_factors)

    @property
    def dims(self) -> int:
        """Number of spatial axes."""
        return len(self.downsample_factors[0])

    def fmaps(self, level: int) -> int:
        """Return the number of feature maps of a level."""
        return self.num_fmaps * int(self.fmap_inc_factor**level)

    def output_shape(self, input_shape: Sequence[int]) -> Shape:
        """Return the spatial shape that comes out for one that goes in.

        Raises
        ------
        DataError
            If the shape does not go through; the message names the nearest sizes that do.
        """
        if len(input_shape) != self.dims:
            raise DataError(f"a shape {tuple(input_shape)} does not fit a {self.dims}D U-Net: give {self.dims} sizes")
        misfits = [f"axis {a}: {self.misfit(s, a)}" for a, s in enumerate(input_shape) if not self.output_size(s, a)]
        if misfits:
            raise DataError(f"the input {tuple(input_shape)} does not go through the U-Net; {'; '.join(misfits)}")
        return tuple(self.output_size(size, axis) for axis, size in enumerate(input_shape))

    def output_size(self, size: int, axis: int) -> int:
        """Return the size that comes out along an axis; 0 where `size` does not go through."""
        size = self._through_level(size, axis, 0)
        for factor in self.upsample_factors:
            size = size * factor[axis] - self._margin(self.kernels_up[-1], axis)
        return max(size, 0)

    def misfit(self, size: int, axis: int) -> str:
        """Say why a size does not go through, and name the nearest sizes that do."""
        smaller = next((near for near in range(size - 1, 0, -1) if self.output_size(near, axis)), None)
        larger = next(near for near in count(max(size, 0) + 1) if self.output_size(near, axis))
        nearest = f"the smallest that does is {larger}"
        if smaller is not None:
            nearest = f"the nearest that do are {smaller} and {larger}"
        factors = ", ".join(str(factor[axis]) for factor in self.downsample_factors)
        return f"{size} does not fit the kernels and the downsample_factors ({factors}) of this axis; {nearest}"

    def equivariant_size(self, size: int, axis: int, level: int) -> int:
        """Return the part of an up-sampled size that goes into the convolutions of a level.

        After valid convolutions, a level gives a multiple of the factors from there down to the bottom. Then
        neighbouring tiles of a prediction see the same pooling grid, and their seams can't be seen [1]_. The
        part is cut as much on the left as on the right.

        References
        ----------
        .. [1] Rumberger et al., "How Shift Equivariance Impacts Metric Learning for Instance Segmentation",
           ICCV 2021.
        """
        if self.padding == "same":
            return size
        step = prod(factor[axis] for factor in self.downsample_factors[level:])
        excess = (size - self._margin(self.kernels_up[level], axis)) % step
        return size - excess - (step if excess % 2 else 0)

    def _through_level(self, size: int, axis: int, level: int) -> int:
        size -= self._margin(self.kernels_down[level], axis)
        if level == self.depth or size <= 0:
            return max(size, 0)
        factor = self.downsample_factors[level][axis]
        if size % factor or not (below := self._through_level(size // factor, axis, level + 1)):
            return 0
        return max(self.equivariant_size(below * factor, axis, level) - self._margin(self.kernels_up[level], axis), 0)

    def _margin(self, kernels: Kernels, axis: int) -> int:
        return sum(kernel[axis] - 1 for kernel in kernels) if self.padding == "valid" else 0
