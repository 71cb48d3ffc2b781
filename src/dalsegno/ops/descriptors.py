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
        See every so many voxels of an object along each axis only, and give their descriptors to those between.

    Returns
    -------
    descriptors
        Shape ``(10 or 6, *region)``, named by `descriptor_names`, each within 0 and 1: offsets in units of 2 sigma
        about 0.5, variances in units of sigma squared, correlations halved about 0.5, and the part of the Gaussian
        that the object fills. 0 in the background.

    References
    ----------
    .. [1] Sheridan et al., "Local shape descriptors for neuron segmentation", Nature Methods 2023.
    """
    region = region or tuple(slice(0, length) for length in labels.shape)
    compact = _compact(labels)
    kernels = [_Kernel.of(s, v * downsample) for s, v in zip(sigma, voxel_size, strict=True)]
    powers = _powers(labels.ndim)
    moments = np.zeros((len(powers), *compact[region].shape), np.float32)
    for label, box in enumerate(find_objects(compact), 1):
        wanted = tuple(slice(max(b.start, r.start), min(b.stop, r.stop)) for b, r in zip(box, region, strict=True))
        if any(w.start >= w.stop for w in wanted) or not (inside := compact[wanted] == label).any():
            continue
        found = _moments(compact, label, box, wanted, kernels, downsample)
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
    compact: NDArray[np.int32], label: int, box: Box, wanted: Box, kernels: Sequence[_Kernel], step: int
) -> dict[tuple[int, ...], NDArray[np.float32]]:
    """Return the moments of a label at the voxels of a box, by their powers."""
    matrices, places, seen_box = [], [], []
    for kernel, b, w in zip(kernels, box, wanted, strict=True):
        out = range(w.start // step, (w.stop - 1) // step + 1)
        near = range(max(b.start // step, out.start - kernel.radius), min(-(-b.stop // step), out.stop + kernel.radius))
        matrices.append(kernel.matrices(out, near))
        places.append(np.arange(w.start, w.stop) // step - out.start)
        seen_box.append(slice(near.start * step, near.stop * step, step))
    mask = (compact[tuple(seen_box)] == label).astype(np.float32)
    moments: dict[tuple[int, ...], NDArray[np.float32]] = {(): mask}
    for axis in reversed(range(len(box))):
        moments = {
            (power, *powers): _product(matrices[axis][power], values, axis)
            for powers, values in moments.items()
            for power in range(3 - sum(powers))
        }
    if step > 1:
        moments = {powers: values[np.ix_(*places)] for powers, values in moments.items()}
    return moments


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
