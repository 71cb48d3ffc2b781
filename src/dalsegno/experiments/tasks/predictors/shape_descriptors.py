"""Local shape descriptors as something to learn beside affinities."""

import fastremap
import numpy as np
from attrs import frozen
from funlib.geometry import Coordinate, Roi
from numpy.typing import NDArray

from dalsegno.arrays.array import Array
from dalsegno.experiments.tasks.ground_truth import annotated, instance_labels
from dalsegno.ops.descriptors import descriptor_names, descriptor_reach, local_shape_descriptors

__all__ = ["ShapeDescriptors"]


@frozen
class ShapeDescriptors:
    """Targets that tell size and shape of the object around each voxel.

    Attributes
    ----------
    num_voxels
        Standard deviation of the Gaussian around a voxel, in voxels of the axis with the largest ones.
    downsample
        Describe cells of so many voxels along each axis; they begin at multiples of that from the world's origin, so
        that they are the same whatever region is described.
    in_plane
        Look at the sections of a volume one by one: objects may have other ids in the next.
    clipmin, clipmax
        Bounds on the share of objects and background when they are balanced.
    """

    num_voxels: int = 10
    downsample: int = 1
    in_plane: bool = False
    clipmin: float = 0.05
    clipmax: float = 0.95

    def names(self, dims: int) -> tuple[str, ...]:
        """Return the names of the descriptors of data with so many axes."""
        return tuple(f"lsd_{name}" for name in descriptor_names("zyx"[-dims:][self._first :]))

    def context(self, voxel_size: Coordinate) -> Coordinate:
        """Return how far the Gaussian reaches, in world units."""
        size = voxel_size[self._first :]
        reach = descriptor_reach(self._sigma(voxel_size), size, self.downsample)
        return Coordinate((0,) * self._first + tuple(r * v for r, v in zip(reach, size, strict=True)))

    def create_target(self, gt: Array, mask: Array, roi: Roi, *, background_as_object: bool) -> NDArray[np.float32]:
        """Return the descriptors of a region, shape ``(L, *spatial)``; what is not annotated is in no object."""
        context = self.context(gt.voxel_size)
        around = roi.grow(context, context)
        ids = instance_labels(gt, around)
        if background_as_object:
            ids, _ = fastremap.renumber(ids, preserve_zero=False)
        ids = np.where(annotated(mask, around), ids, 0)
        sigma, size = self._sigma(gt.voxel_size), gt.voxel_size[self._first :]
        region = ((roi - around.begin) / gt.voxel_size).to_slices()
        begin = (around.begin // gt.voxel_size)[self._first :]
        options = {"region": region[self._first :], "downsample": self.downsample, "begin": begin}
        if not self.in_plane:
            return local_shape_descriptors(ids, sigma, size, **options)
        sections = [local_shape_descriptors(section, sigma, size, **options) for section in ids[region[0]]]
        return np.stack(sections, axis=1)

    @property
    def _first(self) -> int:
        return int(self.in_plane)

    def _sigma(self, voxel_size: Coordinate) -> tuple[float, ...]:
        size = voxel_size[self._first :]
        return (float(self.num_voxels * max(size)),) * len(size)
