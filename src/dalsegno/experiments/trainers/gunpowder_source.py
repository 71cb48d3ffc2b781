"""Any array as the source of a gunpowder pipeline."""

from typing import Any

import numpy as np

from dalsegno.arrays.array import Array
from dalsegno.experiments.trainers._gunpowder import gp

__all__ = ["GunpowderSource"]


class GunpowderSource(gp.BatchProvider):  # type: ignore[misc]
    """Provides an array in its region, with its voxel size, for pipelines of one's own.

    Batches have axes (c?, *spatial) and the dtype of the array; their coordinates are its world coordinates. Only
    what is requested is read. To join several arrays, merge their nodes: ``(raw, gt) + gp.MergeProvider()``.

    Parameters
    ----------
    key
        The gunpowder key under which the array is provided.
    array
        The array.
    interpolatable
        Whether augments may interpolate between voxels; by default those of labels are not.
    """

    def __init__(self, key: Any, array: Array, interpolatable: bool | None = None) -> None:
        self.key = key
        self.array = array
        self.interpolatable = not array.holds_labels if interpolatable is None else interpolatable

    def setup(self) -> None:
        """Announce the array."""
        spec = gp.ArraySpec(
            roi=self.array.roi,
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
        batch[self.key] = gp.Array(np.array(self.array[spec.roi]), spec)
        return batch
