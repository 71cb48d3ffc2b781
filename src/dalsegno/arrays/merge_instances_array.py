"""Instances of several arrays in one."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from funlib.geometry import Roi
from numpy.typing import NDArray

from dalsegno.arrays.alike import check_alike
from dalsegno.arrays.array import Array, ArrayConfig
from dalsegno.arrays.array_view import ArrayView
from dalsegno.arrays.labels import check_labels, read_labels
from dalsegno.config import config, field
from dalsegno.errors import DataError, Problem

__all__ = ["MergeInstancesArray", "MergeInstancesArrayConfig"]


@config
class MergeInstancesArrayConfig(ArrayConfig):
    """Instances of several arrays in one: every instance keeps an id of its own."""

    source_array_configs: tuple[ArrayConfig, ...] = field(
        help="Labels, 0 for background. Where instances overlap, the array that comes first wins."
    )

    def problems(self) -> Iterator[Problem]:
        """Yield a problem if there is nothing to merge."""
        if not self.source_array_configs:
            yield Problem("there is no array to merge; give one or more", ("source_array_configs",))


class MergeInstancesArray(ArrayView):
    """Instances of *n* arrays, uint64, axes (*spatial). All cover the same region with the same voxels.

    Instance *id* of array *i* gets the id ``id * n + i``, whichever region is read; the background stays 0.
    Where instances overlap, that of the first array is shown.

    Attributes
    ----------
    source_arrays
        The arrays.

    Raises
    ------
    DataError
        If arrays differ in region, voxel size, units or axes, or do not hold labels; when a region is read, if an id
        is negative or does not fit into 64 bits.
    """

    def __init__(self, array_config: MergeInstancesArrayConfig) -> None:
        self.config = array_config
        self.source_arrays = [source.open() for source in array_config.source_array_configs]
        super().__init__(self.source_arrays[0])
        for number, array in enumerate(self.source_arrays):
            check_alike("array 0", self.source_array, f"array {number}", array)
            check_labels(array)

    @property
    def dtype(self) -> np.dtype[Any]:
        """uint64."""
        return np.dtype(np.uint64)

    @property
    def num_channels(self) -> None:
        """None: there is no channel axis."""
        return None

    def _read(self, roi: Roi) -> NDArray[Any]:
        merged = np.zeros(self._extent(roi), np.uint64)
        for number, array in enumerate(self.source_arrays):
            ids = self._distinct(number, array, roi)
            np.copyto(merged, ids, where=merged == 0)
        return merged

    def _distinct(self, number: int, array: Array, roi: Roi) -> NDArray[np.uint64]:
        """Return the labels of an array under ids that no other array has."""
        labels, count = read_labels(array, roi), len(self.source_arrays)
        lowest, highest = int(labels.min()), int(labels.max())
        if lowest < 0:
            raise DataError(
                f"array {number} has the id {lowest} in {roi}, but ids of instances are above 0; relabel it"
            )
        if highest * count + number > np.iinfo(np.uint64).max:
            raise DataError(
                f"array {number} has the id {highest} in {roi}, which times {count} arrays is more than 64 bits hold; "
                "relabel it with smaller ids"
            )
        ids = labels.astype(np.uint64)
        return np.where(ids > 0, ids * np.uint64(count) + np.uint64(number), np.uint64(0))


MergeInstancesArrayConfig.array_type = MergeInstancesArray
