"""Distances of voxels to the faces between labels that differ.

Squared distances are found axis by axis, as lower envelopes of parabolas [1]_. Of the grid of voxel centres and the
faces between them, eight times as large as the labels in 3D, only what lies between a face and a centre is held:
along each axis a face lies beside a voxel or halfway between two.

References
----------
.. [1] Felzenszwalb and Huttenlocher, "Distance Transforms of Sampled Functions", Theory of Computing 2012.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import chain, pairwise
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

__all__ = ["squared_face_distances"]

Fields = dict[tuple[bool, ...], NDArray[Any]]
"""What is known so far; the key says along which of the axes to come it lies halfway between voxels."""

Squares = NDArray[Any]
"""Squared distances, held as a `_Scale` says."""

FAR = 2**15 - 1
"""The most that two squares can be for their sum to be held in 16 bits."""

LINES = 512
"""Lines that are worked on at a time: many enough for a call to be worth it, few enough to stay in the cache."""

CHECKED = 4
"""Steps after which it is looked whether farther ones can matter."""


def squared_face_distances(
    labels: NDArray[np.bool_], sampling: Sequence[float], limit: float = np.inf
) -> NDArray[np.float32]:
    """Return the squared distance of each voxel centre to the nearest centre of a face between different labels.

    Parameters
    ----------
    labels
        Shape ``(*spatial)``.
    sampling
        Voxel size per axis.
    limit
        Distances of which no more has to be known than that they are not below it.

    Returns
    -------
    distances
        Of the shape of `labels`, in squared units of `sampling`; infinite if all labels are the same.
    """
    ndim = labels.ndim
    sizes, unit, scale = _scale(sampling, limit)
    fields: Fields = {tuple(a == axis for a in range(ndim)): _faces(labels, axis) for axis in range(ndim)}
    fields = {rest: _in_line(*pair, sizes[0], scale) for rest, pair in _pairs(fields)}
    for axis in range(1, ndim):
        fields = {rest: _envelope(*pair, axis, sizes[axis], scale) for rest, pair in _pairs(fields)}
    distances: NDArray[np.float32] = fields[()].astype(np.float32, copy=False)
    return np.multiply(distances, np.float32(unit**2), out=distances)


@frozen
class _Scale:
    """How squared distances are held: in float32, or in uint16, which is twice as fast where it is exact.

    Attributes
    ----------
    dtype
        Either.
    far
        What stands for all that is as far or farther.
    limit
        Squared distances of which no more has to be known than that they are not below it; at most `far`.
    """

    dtype: type[np.float32] | type[np.uint16]
    far: float
    limit: float


def _scale(sampling: Sequence[float], limit: float) -> tuple[list[float], float, _Scale]:
    """Return half voxels in a unit of which, if possible, they are multiples, that unit, and how squares are held."""
    unit = math.gcd(*map(int, sampling)) / 2
    if unit and all(float(size).is_integer() for size in sampling) and (limit / unit) ** 2 <= FAR:
        return [size / 2 / unit for size in sampling], unit, _Scale(np.uint16, FAR, (limit / unit) ** 2)
    return [size / 2 for size in sampling], 1.0, _Scale(np.float32, np.inf, limit**2)


def _faces(labels: NDArray[np.bool_], axis: int) -> NDArray[np.bool_]:
    along = np.moveaxis(labels, axis, 0)
    return np.moveaxis(along[1:] != along[:-1], 0, axis)


def _pairs(fields: Fields) -> Iterator[tuple[tuple[bool, ...], tuple[NDArray[Any] | None, NDArray[Any] | None]]]:
    """Yield what lies beside voxels and halfway between them along the next axis, and is alike along the others."""
    for rest in {halfway[1:] for halfway in fields}:
        yield rest, (fields.get((False, *rest)), fields.get((True, *rest)))


def _in_line(
    beside: NDArray[np.bool_] | None, between: NDArray[np.bool_] | None, size: float, scale: _Scale
) -> Squares:
    """Return the squared distances of voxels to faces in their line along the first axis: beside or between them."""
    halfway = int(beside is None)
    faces = between if beside is None else beside
    if faces is None:
        raise ValueError("no faces to measure from")
    length = len(faces) + halfway
    steps = np.full((length, *faces.shape[1:]), np.inf, np.float32)
    for side in range(halfway + 1):
        np.copyto(steps[side : side + len(faces)], halfway, where=faces)
    for before, here in chain(pairwise(range(length)), pairwise(reversed(range(length)))):
        np.minimum(steps[here, ...], steps[before, ...] + 2, out=steps[here, ...])
    steps *= np.float32(size)
    np.minimum(np.square(steps, out=steps), scale.far, out=steps)
    return steps.astype(scale.dtype, copy=False)


def _envelope(beside: Squares | None, between: Squares | None, axis: int, size: float, scale: _Scale) -> Squares:
    """Return the least sum of a squared distance and the square of the way to its place along an axis."""
    near, half = (None if field is None else np.moveaxis(field, axis, 0) for field in (beside, between))
    if near is not None:
        length, others = len(near), near.shape[1:]
    elif half is not None:
        length, others = len(half) + 1, half.shape[1:]
    result = np.empty((*others[:axis], length, *others[axis:]), scale.dtype)
    lines = np.moveaxis(result, axis, 0)
    rows = max(1, LINES // math.prod(others[1:]))
    for start in range(0, others[0], rows):
        part = (slice(None), slice(start, start + rows))
        lowest = np.full(lines[part].shape, scale.far, scale.dtype) if near is None else near[part].copy("C")
        _lower(lowest, None if half is None else np.ascontiguousarray(half[part]), size, scale)
        lines[part] = lowest
    return result


def _lower(lowest: Squares, between: Squares | None, size: float, scale: _Scale) -> None:
    """Lower ``(place, *lines)`` to the envelope along the first axis, going out from each voxel by half steps."""
    beside, sums, length = lowest.copy(), np.empty_like(lowest), len(lowest)
    for halves in range(1, 2 * length):
        way = (halves * size) ** 2
        if way > scale.far or (halves % CHECKED == 0 and way >= min(lowest.max(), scale.limit)):
            return
        # what lies so far ahead of a voxel and behind it: halfway between two, or beside one
        source = between if halves % 2 else beside
        if source is None:
            continue
        ahead, behind = halves // 2, (halves + 1) // 2
        count = length - behind
        away = np.add(source, scale.dtype(way), out=sums[: len(source)])
        np.minimum(lowest[:count], away[ahead : ahead + count], out=lowest[:count])
        np.minimum(lowest[behind:], away[:count], out=lowest[behind:])
