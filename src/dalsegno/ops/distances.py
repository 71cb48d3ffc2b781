"""Signed distances to the boundaries of binary labels, and where they can be known.

A boundary lies on the face between two neighbouring voxels that differ. Distances run from the centre
of a voxel to the centre of the nearest such face, in world units.
"""

from collections.abc import Sequence

import edt
import numpy as np
from numpy.typing import NDArray

from dalsegno.ops.face_distances import squared_face_distances

__all__ = ["distance_mask", "distances_to", "signed_distances", "tanh_distances"]

MARGIN = 0.05
"""How much farther than a target, after tanh, the unknown must be for the target to count."""

SATURATED = 0.8
"""Where the unknown is farther than this, after tanh, every target counts."""

EXACT = 10.0
"""From here on tanh is 1, exactly, in float32."""


def distances_to(foreground: NDArray[np.bool_], sampling: Sequence[float], parallel: int = 1) -> NDArray[np.float32]:
    """Return the Euclidean distance of each voxel centre to the nearest foreground voxel.

    Parameters
    ----------
    foreground
        Shape ``(*spatial)``, up to 3D.
    sampling
        Voxel size per axis.
    parallel
        Threads to use.

    Returns
    -------
    distances
        In the unit of `sampling`; infinite if there is no foreground.
    """
    if not foreground.any():
        return np.full(foreground.shape, np.inf, np.float32)
    # the transform is an order of magnitude faster without axes of length one
    kept = [axis for axis, length in enumerate(foreground.shape) if length > 1] or [0]
    flat = np.ascontiguousarray(~foreground.reshape([foreground.shape[axis] for axis in kept]))
    spacing = [float(sampling[axis]) for axis in kept]
    distances: NDArray[np.float32] = edt.edt(
        flat, anisotropy=spacing if len(kept) > 1 else spacing[0], parallel=parallel
    )
    return distances.reshape(foreground.shape)


def signed_distances(
    labels: NDArray[np.bool_], sampling: Sequence[float], limit: float = np.inf
) -> NDArray[np.float32]:
    """Return the distance of each voxel to the nearest boundary, negative in the background.

    Parameters
    ----------
    labels
        Foreground of shape ``(*spatial)``.
    sampling
        Voxel size per axis.
    limit
        Distances of which no more has to be known than that they are not below it: the lower, the quicker.

    Returns
    -------
    distances
        Of the shape of `labels`, in the unit of `sampling`. Nothing is known across an axis of length
        one: distances are those within the section. Without any boundary they are half the extent of
        the shortest axis.
    """
    axes = [axis for axis, length in enumerate(labels.shape) if length > 1]
    spacing = [float(sampling[axis]) for axis in axes]
    if labels.all() or not labels.any():
        extents = [labels.shape[axis] * size for axis, size in zip(axes, spacing, strict=True)]
        distances = np.full(labels.shape, min(extents or sampling) / 2, np.float32)
    else:
        squares = squared_face_distances(labels.reshape([labels.shape[axis] for axis in axes]), spacing, limit)
        distances = np.sqrt(squares, out=squares).reshape(labels.shape)
    return np.negative(distances, out=distances, where=~labels)


def tanh_distances(labels: NDArray[np.bool_], sampling: Sequence[float], scale: float) -> NDArray[np.float32]:
    """Return the signed distances squashed to -1 … 1 by ``tanh(distance / scale)``.

    See Also
    --------
    signed_distances
    """
    distances = signed_distances(labels, sampling, EXACT * scale)
    distances /= np.float32(scale)
    return np.tanh(distances, out=distances)


def distance_mask(
    target: NDArray[np.float32], mask: NDArray[np.bool_], sampling: Sequence[float], scale: float
) -> NDArray[np.bool_]:
    """Return where a target stays true whatever the labels are beyond the mask.

    The nearest unseen boundary is at best on the face where the mask ends. A voxel counts if, after
    tanh, that face is farther than its own boundary by a margin of 0.05, or so far (0.8) that the
    target is close to saturation.

    Parameters
    ----------
    target
        What `tanh_distances` returns, shape ``(*spatial)``, or several in ``(C, *spatial)``.
    mask
        Annotated voxels, shape ``(*spatial)``. Nothing beyond its edges is annotated; an axis of length
        one does not count as an edge.
    sampling
        Voxel size per axis.
    scale
        The distance that tanh maps to 0.76, in the unit of `sampling`.

    Returns
    -------
    kept
        Of the shape of `target`.
    """
    # far beyond where targets saturate, nothing has to be known
    known = np.tanh(_distance_to_unknown(mask, sampling, 2 * scale) / np.float32(scale))
    kept: NDArray[np.bool_] = np.minimum(np.abs(target) + np.float32(MARGIN), np.float32(SATURATED)) < known
    return kept


def _distance_to_unknown(mask: NDArray[np.bool_], sampling: Sequence[float], limit: float) -> NDArray[np.float32]:
    """Return the distance of each voxel to the nearest face where the mask ends, up to a limit; below 0 outside it."""
    if not mask.all():
        padded = np.pad(mask, [(int(length > 1),) * 2 for length in mask.shape])
        inner = tuple(slice(1, -1) if length > 1 else slice(None) for length in mask.shape)
        return signed_distances(padded, sampling, limit)[inner]
    distances = np.full(mask.shape, np.inf, np.float32)
    for axis, length in enumerate(mask.shape):
        if length > 1:
            steps = np.arange(length) + 0.5
            line = (np.minimum(steps, steps[::-1]) * sampling[axis]).astype(np.float32)
            distances = np.minimum(distances, line.reshape([-1 if a == axis else 1 for a in range(mask.ndim)]))
    return distances
