"""Resampling by rational factors, one axis after the other.

Output voxel ``j`` of an axis covers the source interval ``[j * down / up, (j + 1) * down / up)``. Each
output voxel depends on its own place alone, so any tiling gives the voxels that reading at once gives.
"""

import math
from typing import Any

import numpy as np
from attrs import evolve, frozen
from numpy.typing import NDArray

__all__ = ["Taps", "interpolating_taps", "nearest_taps", "resample", "resampled_size"]


_SLAB_VOXELS = 2**20


@frozen(eq=False)
class Taps:
    """Which source voxels the output voxels of one axis are made of.

    Attributes
    ----------
    index
        int64, (output voxels, taps): positions along the source axis.
    weight
        float64, the same shape; the weights of one output voxel sum to 1.
    finer
        Whether voxels become smaller.
    """

    index: NDArray[np.int64]
    weight: NDArray[np.float64]
    finer: bool

    @property
    def first(self) -> int:
        """The lowest source voxel that is needed."""
        return int(self.index.min())

    @property
    def stop(self) -> int:
        """One past the highest source voxel that is needed."""
        return int(self.index.max()) + 1


def resampled_size(size: int, up: int, down: int) -> int:
    """Return how many whole output voxels `size` source voxels make; a remainder is cropped."""
    return size * up // down


def nearest_taps(start: int, stop: int, *, up: int, down: int) -> Taps:
    """Take the source voxel at the centre of each output voxel; of two that meet there, the upper one.

    Parameters
    ----------
    start, stop
        Range of output voxels, ``0 <= start < stop``.
    up, down
        The output has ``up / down`` voxels per source voxel.
    """
    output = np.arange(start, stop, dtype=np.int64)[:, None]
    return Taps((2 * output + 1) * down // (2 * up), np.ones(output.shape), finer=up > down)


def interpolating_taps(start: int, stop: int, *, size: int, up: int, down: int) -> Taps:
    """Average the interval of each output voxel where voxels grow, interpolate at its centre where they shrink.

    Parameters
    ----------
    start, stop
        Range of output voxels, ``0 <= start < stop <= resampled_size(size, up, down)``.
    size
        Voxels of the source axis; interpolation repeats the border voxel beyond it.
    up, down
        The output has ``up / down`` voxels per source voxel.
    """
    output = np.arange(start, stop, dtype=np.int64)[:, None]
    return _mean(output, up, down) if down >= up else _linear(output, size, up, down)


def _mean(output: NDArray[np.int64], up: int, down: int) -> Taps:
    # in units of 1 / up source voxels, so that the overlaps are exact
    begin = output * down
    most = -(-(down + up - math.gcd(up, down)) // up)
    index = begin // up + np.arange(most, dtype=np.int64)
    overlap = np.minimum((index + 1) * up, begin + down) - np.maximum(index * up, begin)
    weight = np.maximum(overlap, 0) / down
    return Taps(np.where(weight > 0, index, begin // up), weight, finer=False)


def _linear(output: NDArray[np.int64], size: int, up: int, down: int) -> Taps:
    # centres lie at ((2 j + 1) * down - up) / (2 up) on the scale on which voxel k has its centre at k
    lower, rest = np.divmod((2 * output + 1) * down - up, 2 * up)
    upper_weight = rest / (2 * up)
    upper = np.where(rest > 0, lower + 1, lower)
    index = np.clip(np.concatenate([lower, upper], axis=1), 0, size - 1)
    return Taps(index, np.concatenate([1 - upper_weight, upper_weight], axis=1), finer=True)


def resample(block: NDArray[np.generic], taps: list[Taps]) -> NDArray[np.generic]:
    """Resample the last axes of a block.

    Parameters
    ----------
    block
        (*others, *resampled): source voxels from `Taps.first` to `Taps.stop` of each resampled axis.
    taps
        One for each of the last axes.

    Returns
    -------
    NDArray
        (*others, *output voxels), the block's dtype. With one tap per axis voxels are copied exactly; averages
        are taken in float32 (float64 for wide types) and rounded half to even where the dtype is integer; those of
        complex numbers in complex128.
    """
    shape = (*block.shape[: block.ndim - len(taps)], *(len(axis_taps.index) for axis_taps in taps))
    axis, first = block.ndim - len(taps), taps[0]
    rows = max(1, _SLAB_VOXELS * shape[axis] // max(1, math.prod(shape)))
    if rows >= shape[axis]:
        return _resampled(block, taps)
    # slab by slab: what is made on the way stays small
    result = np.empty(shape, block.dtype)
    before = (slice(None),) * axis
    for begin in range(0, shape[axis], rows):
        some = evolve(first, index=first.index[begin : begin + rows], weight=first.weight[begin : begin + rows])
        source = block[(*before, slice(some.first - first.first, some.stop - first.first))]
        result[(*before, slice(begin, begin + rows))] = _resampled(source, [some, *taps[1:]])
    return result


def _resampled(block: NDArray[np.generic], taps: list[Taps]) -> NDArray[np.generic]:
    single = all(axis_taps.index.shape[1] == 1 for axis_taps in taps)
    dtype = block.dtype if single else _working_dtype(block.dtype)
    result = block
    for axis, axis_taps in _cheapest_first(block.ndim, taps):
        result = _weighted(result, axis, axis_taps, dtype)
    if not single and block.dtype.kind in "iub":
        return _rounded(result, block.dtype)
    # never a view: what is returned may be written to
    return result.astype(block.dtype, copy=np.may_share_memory(result, block))


def _working_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    if dtype.kind == "c":
        return np.dtype(np.complex128)
    wide = dtype.itemsize > 2 and dtype != np.float32
    return np.dtype(np.float64 if wide else np.float32)


def _rounded(means: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    np.rint(means, out=means)
    if dtype.itemsize < 8:
        return means.astype(dtype)
    # float64 rounds the highest integers of 64 bits up to a number beyond them, which a cast would wrap around
    limits = np.iinfo(dtype)
    beyond = means >= float(limits.max)
    means[beyond] = 0
    integers: NDArray[Any] = np.maximum(means, limits.min, out=means).astype(dtype)
    integers[beyond] = limits.max
    return integers


def _cheapest_first(ndim: int, taps: list[Taps]) -> list[tuple[int, Taps]]:
    """Return the axes in the order that moves the least: from the outermost where voxels grow, then back.

    The order follows from the factors alone, so that sums are rounded alike in every region.
    """
    axes = list(zip(range(ndim - len(taps), ndim), taps, strict=True))
    finer = [one for one in axes if one[1].finer]
    return [one for one in axes if not one[1].finer] + finer[::-1]


def _weighted(block: NDArray[np.generic], axis: int, taps: Taps, dtype: np.dtype[Any]) -> NDArray[np.generic]:
    if taps.index.shape[1] == 1:
        return _picked(block, axis, taps.index[:, 0] - taps.first)
    total: NDArray[np.generic] | None = None
    for index, weight in zip(taps.index.T, taps.weight.T.astype(dtype), strict=True):
        same = bool((weight == weight[0]).all())
        along = np.expand_dims(weight[:1] if same else weight, [at for at in range(block.ndim) if at != axis])
        part = np.multiply(_picked(block, axis, index - taps.first), along, dtype=dtype)
        total = part if total is None else np.add(total, part, out=total)
    if total is None:
        raise ValueError("taps without any source voxel")
    return total


def _picked(block: NDArray[np.generic], axis: int, places: NDArray[np.int64]) -> NDArray[np.generic]:
    """Return `block.take(places, axis)`; a view where the places are evenly spaced, which is many times faster."""
    step = int(places[1] - places[0]) if len(places) > 1 else 1
    if step < 1 or (np.diff(places) != step).any():
        return block.take(places, axis)
    even = slice(int(places[0]), int(places[-1]) + 1, step)
    return block[(slice(None),) * axis + (even,)]
