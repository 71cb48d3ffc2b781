"""Local shape descriptors: what an object looks like around each of its voxels.

Around a voxel, the voxels of its object are weighted with a Gaussian. Size, mean offset and covariance of
this cloud are moments of the object's mask about the voxel, and those factor into one product per axis: each
is a product with the matrix of ``g(r) r^k`` (k = 0, 1, 2) between the positions of that axis. An object is
needed, and seen, in its bounding box only.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import fastremap
import numpy as np
from attrs import frozen
from numpy.typing import NDArray
from scipy.ndimage import find_objects

__all__ = ["descriptor_names", "descriptor_reach", "local_shape_descriptors"]

TRUNCATE = 3.0
"""Where Gaussians end, in standard deviations."""

LEAST_VARIANCE = 1e-3
"""What a variance is taken for at least when offsets are correlated, in squared world units."""

Box = tuple[slice, ...]


def descriptor_names(axes: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the descriptors of 2 or 3 axes: 6 or 10.

    The mean offset along each axis, the variance along each, Pearson's correlation of each pair, the size.
    """
    names = [f"offset_{axis}" for axis in axes] + [f"variance_{axis}" for axis in axes]
    return (*names, *(f"correlation_{a}{b}" for a, b in combinations(axes, 2)), "size")


def descriptor_reach(sigma: Sequence[float], voxel_size: Sequence[float], downsample: int = 1) -> tuple[int, ...]:
    """Return how many voxels away along each axis an object is still seen."""
    pairs = zip(sigma, voxel_size, strict=True)
    return tuple(downsample * (_Kernel.of(s, v * downsample).radius + 1) - 1 for s, v in pairs)


def local_shape_descriptors(
    labels: NDArray[np.integer[Any]],
    sigma: Sequence[float],
    voxel_size: Sequence[float],
    *,
    region: Box | None = None,
    downsample: int = 1,
    begin: Sequence[int] | None = None,
) -> NDArray[np.float32]:
    """Return the local shape descriptors of each voxel's object, after Sheridan et al. [1]_.

    Parameters
    ----------
    labels
        Id of the object of each voxel, 0 or below for background, 2 or 3 axes ``(*spatial)``; any integer dtype.
    sigma
        Standard deviation of the Gaussian per axis, in world units. It ends at three times that.
    voxel_size
        Per axis, in world units.
    region
        The part of the array whose descriptors are wanted; all of it if not given. Objects are seen beyond it.
    downsample
        Describe cells of so many voxels along each axis by the part of each that an object fills; all voxels of the
        object in a cell get the same descriptors.
    begin
        Position of the array's first voxel: cells begin at multiples of `downsample`. Zeros if not given.

    Returns
    -------
    descriptors
        Shape ``(10 or 6, *region)``, named by `descriptor_names`, each within 0 and 1: offsets in units of 2 sigma
        about 0.5, variances in units of sigma squared, correlations halved about 0.5, and the part of the Gaussian
        that the object fills, which is above 0 in every object. 0 in the background.

    References
    ----------
    .. [1] Sheridan et al., "Local shape descriptors for neuron segmentation", Nature Methods 2023.
    """
    region = region or tuple(slice(0, length) for length in labels.shape)
    compact = _compact(labels)
    cells = _Cells(downsample, tuple(position % downsample for position in begin or (0,) * labels.ndim))
    kernels = [_Kernel.of(s, v * downsample) for s, v in zip(sigma, voxel_size, strict=True)]
    powers = _powers(labels.ndim)
    moments = np.zeros((len(powers), *compact[region].shape), np.float32)
    for label, box in enumerate(find_objects(compact), 1):
        wanted = tuple(slice(max(b.start, r.start), min(b.stop, r.stop)) for b, r in zip(box, region, strict=True))
        if any(w.start >= w.stop for w in wanted) or not (inside := compact[wanted] == label).any():
            continue
        found = _moments(compact, label, box, wanted, kernels, cells)
        target = tuple(slice(w.start - r.start, w.stop - r.start) for w, r in zip(wanted, region, strict=True))
        for total, power in zip(moments, powers, strict=True):
            np.copyto(total[target], found[power], where=inside)
    return _statistics(moments, compact[region] > 0, sigma)


@frozen(eq=False)
class _Kernel:
    """A Gaussian along one axis, times the powers of the distance in units of sigma.

    Attributes
    ----------
    radius
        Voxels to each side.
    weights
        Powers 0 to 2 at -radius … radius, and a zero for all that is farther: shape ``(3, 2 radius + 2)``.
    """

    radius: int
    weights: NDArray[np.float32]

    @classmethod
    def of(cls, sigma: float, voxel_size: float) -> "_Kernel":
        """Return the kernel of a sigma in world units."""
        radius = int(TRUNCATE * sigma / voxel_size + 0.5)
        steps = np.arange(-radius, radius + 1) * (voxel_size / sigma)
        gaussian = np.exp(-0.5 * steps**2)
        weights = gaussian / gaussian.sum() * steps ** np.arange(3)[:, None]
        return cls(radius, np.pad(weights, [(0, 0), (0, 1)]).astype(np.float32))

    def matrices(self, wanted: range, seen: range) -> NDArray[np.float32]:
        """Return the weights of what is seen at each wanted position: ``(3, wanted, seen)``."""
        distance = np.arange(seen.start, seen.stop) - np.arange(wanted.start, wanted.stop)[:, None]
        place = np.where(np.abs(distance) <= self.radius, distance + self.radius, 2 * self.radius + 1)
        return self.weights[:, place]


@frozen
class _Cells:
    """Cubes of voxels of which a mean is taken.

    Attributes
    ----------
    edge
        Voxels along each axis.
    before
        Voxels of the first cell that lie before the array, per axis.
    """

    edge: int
    before: tuple[int, ...]

    def touched(self, box: Box) -> list[range]:
        """Return the cells that a box of voxels touches, per axis."""
        return [
            range((part.start + before) // self.edge, (part.stop - 1 + before) // self.edge + 1)
            for part, before in zip(box, self.before, strict=True)
        ]

    def voxels(self, cells: Sequence[range], box: Box) -> Box:
        """Return the voxels of cells that lie in a box."""
        return tuple(
            slice(max(along.start * self.edge - before, part.start), min(along.stop * self.edge - before, part.stop))
            for along, before, part in zip(cells, self.before, box, strict=True)
        )

    def means(self, mask: NDArray[np.bool_], cells: Sequence[range], box: Box) -> NDArray[np.float32]:
        """Return the part of each cell that a mask fills, which is known in a box that touches all of them."""
        filled = mask.astype(np.float32)
        if self.edge > 1:
            for axis, (along, before, part) in enumerate(zip(cells, self.before, box, strict=True)):
                starts = np.arange(along.start, along.stop) * self.edge - before - part.start
                filled = np.add.reduceat(filled, np.maximum(starts, 0), axis)
            filled /= self.edge**mask.ndim
        return filled

    def spread(self, values: NDArray[np.float32], cells: Sequence[range], box: Box) -> NDArray[np.float32]:
        """Return the value of its cell for each voxel of a box."""
        if self.edge == 1:
            return values
        # the last axis first, while there are few values: then whole rows are copied
        for axis in reversed(range(values.ndim)):
            voxels = np.arange(box[axis].start, box[axis].stop) + self.before[axis]
            values = values.take(voxels // self.edge - cells[axis].start, axis)
        return values


def _compact(labels: NDArray[np.integer[Any]]) -> NDArray[np.int32]:
    """Return the labels numbered from 1, and 0 where they are 0 or below."""
    if labels.dtype.kind == "i":
        labels = np.maximum(labels, 0)
    renumbered, _ = fastremap.renumber(labels.astype(np.uint8) if labels.dtype == bool else labels, in_place=False)
    compact: NDArray[np.int32] = renumbered.astype(np.int32)
    return compact


def _powers(ndim: int) -> list[tuple[int, ...]]:
    """Return the powers of the distances along each axis in: size, offsets, squares, and mixed products."""
    unit = np.eye(ndim, dtype=int)
    mixed = [unit[a] + unit[b] for a, b in combinations(range(ndim), 2)]
    return [tuple(map(int, power)) for power in (0 * unit[0], *unit, *2 * unit, *mixed)]


def _moments(
    compact: NDArray[np.int32], label: int, box: Box, wanted: Box, kernels: Sequence[_Kernel], cells: _Cells
) -> dict[tuple[int, ...], NDArray[np.float32]]:
    """Return the moments of a label at the voxels of a box, by their powers."""
    out = cells.touched(wanted)
    near = [
        range(max(own.start, o.start - kernel.radius), min(own.stop, o.stop + kernel.radius))
        for own, o, kernel in zip(cells.touched(box), out, kernels, strict=True)
    ]
    seen = cells.voxels(near, box)
    matrices = [kernel.matrices(o, n) for kernel, o, n in zip(kernels, out, near, strict=True)]
    moments: dict[tuple[int, ...], NDArray[np.float32]] = {(): cells.means(compact[seen] == label, near, seen)}
    for axis in reversed(range(len(box))):
        moments = {
            (power, *powers): _product(matrices[axis][power], values, axis)
            for powers, values in moments.items()
            for power in range(3 - sum(powers))
        }
    return {powers: cells.spread(values, out, wanted) for powers, values in moments.items()}


def _product(matrix: NDArray[np.float32], values: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    """Return the product of a matrix with one axis of an array."""
    if axis == values.ndim - 1:
        product: NDArray[np.float32] = values @ matrix.T
    else:
        flat = values.reshape(*values.shape[: axis + 1], -1)
        product = (matrix @ flat).reshape(*values.shape[:axis], len(matrix), *values.shape[axis + 1 :])
    return product


def _statistics(
    moments: NDArray[np.float32], foreground: NDArray[np.bool_], sigma: Sequence[float]
) -> NDArray[np.float32]:
    """Turn moments into descriptors, in place."""
    ndim = len(sigma)
    size, means, rest = moments[0], moments[1 : 1 + ndim], moments[1 + ndim :]
    squares, mixed = rest[:ndim], rest[ndim:]
    moments[1:] /= np.where(size > 0, size, 1)
    squares -= means**2
    for axis, square in enumerate(squares):
        np.maximum(square, LEAST_VARIANCE / sigma[axis] ** 2, out=square)
    for product, (a, b) in zip(mixed, combinations(range(ndim), 2), strict=True):
        product -= means[a] * means[b]
        product /= np.sqrt(squares[a] * squares[b])
    for centred in (means, mixed):
        centred *= 0.5
        centred += 0.5
    descriptors = np.concatenate([moments[1:], moments[:1]]).clip(0, 1)
    descriptors *= foreground
    return descriptors
