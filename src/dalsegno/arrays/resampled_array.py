"""An array on a finer or coarser grid."""

from decimal import Decimal
from operator import truediv
from typing import Any

from funlib.geometry import Coordinate, Roi
from numpy.typing import NDArray

from dalsegno.arrays.array import ArrayConfig
from dalsegno.arrays.array_view import ArrayView
from dalsegno.config import config, field, positive
from dalsegno.errors import DataError
from dalsegno.ops.resampling import Taps, interpolating_taps, nearest_taps, resample, resampled_size
from dalsegno.units import whole

__all__ = ["ResampledArray", "ResampledArrayConfig"]


@config
class ResampledArrayConfig(ArrayConfig):
    """An array on a finer or coarser grid: `upsample` / `downsample` voxels for each voxel of the source."""

    source_array_config: ArrayConfig = field(help="The array to resample.")
    upsample: Coordinate = field(help="Per spatial axis: voxels become smaller by this factor.", check=positive)
    downsample: Coordinate = field(help="Per spatial axis: voxels become larger by this factor.", check=positive)
    interp_order: bool = field(
        help="true for intensities: average where voxels grow, interpolate linearly where they shrink. "
        "false for labels: the voxel at the centre, unchanged; where two meet there, the upper one."
    )


class ResampledArray(ArrayView):
    """An array on a finer or coarser grid, with the lower corner and dtype of its source; a remainder is cropped.

    Every region is read with the context that it needs, so regions fit together without seams.

    Raises
    ------
    DataError
        If the factors don't fit the axes, or nothing is left.
    ConfigError
        If the voxel size would have fractions; the message names the unit in which it has none.
    """

    def __init__(self, array_config: ResampledArrayConfig) -> None:
        super().__init__(array_config.source_array_config.open())
        self.config = array_config
        source, up, down = self.source_array, array_config.upsample, array_config.downsample
        if not len(up) == len(down) == source.dims:
            raise DataError(
                f"upsample {up} and downsample {down} need one factor for each of the {source.dims} spatial axes "
                f"{source.spatial_axes} of {source}"
            )
        self._size = source.roi.shape / source.voxel_size
        sizes = [Decimal(size * d) / Decimal(u) for size, u, d in zip(source.voxel_size, up, down, strict=True)]
        self._voxel_size = Coordinate(whole(sizes, source.units, "voxel_size"))
        voxels = Coordinate(map(resampled_size, self._size, up, down))
        self._roi = Roi(source.roi.begin, voxels * self._voxel_size)
        if self._roi.empty:
            raise DataError(f"{source} is smaller than one voxel of {self._voxel_size}; lower `downsample`")

    @property
    def voxel_size(self) -> Coordinate:
        """Voxel size of the source, times `downsample`, divided by `upsample`."""
        return self._voxel_size

    @property
    def roi(self) -> Roi:
        """Region of the source, cropped to whole voxels."""
        return self._roi

    @property
    def attrs(self) -> dict[str, Any]:
        """Attributes of the source: what it shows, is shown on another grid."""
        return self.source_array.attrs

    @property
    def scale(self) -> tuple[float, ...]:
        """Voxels for each voxel of the source, per axis as read; 1 for channels."""
        factors = map(truediv, self.config.upsample, self.config.downsample)
        return (*([1.0] * (self.num_channels is not None)), *factors)

    def _read(self, roi: Roi) -> NDArray[Any]:
        source, own = self.source_array, self._roi.begin
        corners = zip(roi.begin, roi.shape, own, self._voxel_size, strict=True)
        ranges = [((at - first) // step, (at - first + size) // step) for at, size, first, step in corners]
        taps = [self._taps(axis, begin, end) for axis, (begin, end) in enumerate(ranges)]
        first, stop = Coordinate(one.first for one in taps), Coordinate(one.stop for one in taps)
        needed = Roi(first, stop - first) * source.voxel_size + source.roi.begin
        return resample(source[needed], taps)

    def _taps(self, axis: int, begin: int, end: int) -> Taps:
        up, down = self.config.upsample[axis], self.config.downsample[axis]
        if self.config.interp_order:
            return interpolating_taps(begin, end, size=self._size[axis], up=up, down=down)
        return nearest_taps(begin, end, up=up, down=down)


ResampledArrayConfig.array_type = ResampledArray
