"""Any array as the source of a gunpowder pipeline."""

from typing import Any

import numpy as np
from funlib.geometry import Coordinate

from dalsegno.arrays.array import Array
from dalsegno.config import coordinate
from dalsegno.errors import DataError
from dalsegno.experiments.trainers._gunpowder import gp

__all__ = ["GunpowderSource", "gp"]


class GunpowderSource(gp.BatchProvider):  # type: ignore[misc]
    """Provides an array in its region, with its voxel size, for pipelines of one's own.

    Batches have axes (c?, *spatial) and the dtype of the array; their coordinates are its world coordinates, counted
    from `origin`. Only what is requested is read. To join several arrays, merge their nodes:
    ``(raw, gt) + gp.MergeProvider()``.

    gunpowder wants arrays to begin at a multiple of their voxel size. One that does not, such as voxels of 8 nm from 4
    nm on, needs an `origin`: ``array.roi.begin``, or another corner of its voxels. Nodes that are merged need the same.

    Parameters
    ----------
    key
        The gunpowder key under which the array is provided.
    array
        The array.
    interpolatable
        Whether augments may interpolate between voxels; by default those of labels are not.
    origin
        World position, in the array's units, that is 0 in the pipeline; that of the world if not given.

    Raises
    ------
    DataError
        If the array, counted from `origin`, does not begin at a multiple of its voxel size.
    """

    def __init__(
        self, key: Any, array: Array, interpolatable: bool | None = None, origin: Coordinate | None = None
    ) -> None:
        self.key = key
        self.array = array
        self.interpolatable = not array.holds_labels if interpolatable is None else interpolatable
        self.origin = Coordinate((0,) * array.dims) if origin is None else coordinate(origin)
        begin, size = array.roi.begin, array.voxel_size
        if len(self.origin) != len(begin) or any((begin - self.origin) % size):
            raise DataError(
                f"{array} begins at {begin}, which counted from the origin {self.origin} is no multiple of its "
                f"voxel size {size}, as gunpowder needs it; give origin={begin} to this source and to all that are "
                "merged with it"
            )

    def setup(self) -> None:
        """Announce the array."""
        spec = gp.ArraySpec(
            roi=self.array.roi - self.origin,
            voxel_size=self.array.voxel_size,
            interpolatable=self.interpolatable,
            dtype=self.array.dtype,
        )
        self.provides(self.key, spec)

    def provide(self, request: Any) -> Any:
        """Return the requested region."""
        batch = gp.Batch()
        spec = self.spec[self.key].copy()
        spec.roi = request[self.key].roi
        # the nodes that follow may change the batch, and arrays in memory are read as views
        batch[self.key] = gp.Array(np.array(self.array[spec.roi + self.origin]), spec)
        return batch
