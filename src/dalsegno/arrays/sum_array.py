"""The sum of arrays."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from funlib.geometry import Roi
from numpy.typing import NDArray

from dalsegno.arrays.alike import check_alike, common_dtype
from dalsegno.arrays.array import ArrayConfig
from dalsegno.arrays.array_view import ArrayView
from dalsegno.config import config, field
from dalsegno.errors import DataError, Problem

__all__ = ["SumArray", "SumArrayConfig"]


@config
class SumArrayConfig(ArrayConfig):
    """Add arrays voxel by voxel."""

    source_array_configs: tuple[ArrayConfig, ...] = field(help="The arrays; one that is given twice counts twice.")

    def problems(self) -> Iterator[Problem]:
        """Yield a problem if there is nothing to add."""
        if not self.source_array_configs:
            yield Problem("there is no array to add; give one or more", ("source_array_configs",))


class SumArray(ArrayView):
    """The sum of several arrays, axes as theirs. All cover the same region with the same voxels.

    Integers are added in the widest integer type, so that sums of labels do not wrap around.

    Attributes
    ----------
    source_arrays
        The arrays.

    Raises
    ------
    DataError
        If arrays differ in region, voxel size, units, axes, or number of channels.
    """

    def __init__(self, array_config: SumArrayConfig) -> None:
        self.config = array_config
        self.source_arrays = [source.open() for source in array_config.source_array_configs]
        super().__init__(self.source_arrays[0])
        named = {f"array {number}": array for number, array in enumerate(self.source_arrays)}
        for name, array in named.items():
            check_alike("array 0", self.source_array, name, array)
            if array.num_channels != self.num_channels:
                raise DataError(
                    f"{name} has {array.num_channels} channels, array 0 has {self.num_channels}: they can't be added "
                    "voxel by voxel; give arrays with the same channels"
                )
        common = common_dtype(named)
        self._dtype = np.sum(np.zeros(1, common)).dtype if common.kind in "bui" else common

    @property
    def dtype(self) -> np.dtype[Any]:
        """The widest integer type for integers, the common type for floats."""
        return self._dtype

    def _read(self, roi: Roi) -> NDArray[Any]:
        total = self.source_array[roi].astype(self.dtype)
        for array in self.source_arrays[1:]:
            total += array[roi].astype(self.dtype)
        return total


SumArrayConfig.array_type = SumArray
