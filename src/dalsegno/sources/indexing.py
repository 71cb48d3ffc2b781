"""What may stand between the brackets of a source."""

import operator
from types import EllipsisType
from typing import Any

import numpy as np

from dalsegno.sources.errors import IndexOutOfRange, TooManyIndices

__all__ = ["Index", "Slices", "normalized"]

Index = int | slice | EllipsisType | tuple[int | slice | EllipsisType, ...]
Slices = tuple[slice, ...]


def normalized(index: Index, shape: tuple[int, ...]) -> tuple[Slices, tuple[int, ...]]:
    """Return an index as one slice per axis.

    Parameters
    ----------
    index
        Integers, slices without a step, one ellipsis, or a tuple of these, meaning what they mean to numpy.
    shape
        Shape of the source in voxels.

    Returns
    -------
    tuple
        Slices with ``0 <= start <= stop <= size`` and no step, and the axes that were given as integers.

    Raises
    ------
    IndexOutOfRange
        If an integer is beyond its axis; an `IndexError` and a `ValueError`.
    TooManyIndices
        If there are more entries than axes; an `IndexError` and a `TypeError`.
    ValueError
        If a slice has a step, or there are two ellipses.
    TypeError
        If an entry is anything else (a list, an array, a float, a bool, None).
    """
    entries = _filled(index if isinstance(index, tuple) else (index,), len(shape))
    slices = tuple(_as_slice(entry, axis, size) for axis, (entry, size) in enumerate(zip(entries, shape, strict=True)))
    return slices, tuple(axis for axis, entry in enumerate(entries) if not isinstance(entry, slice))


def _filled(entries: tuple[Any, ...], ndim: int) -> tuple[Any, ...]:
    gaps = [place for place, entry in enumerate(entries) if entry is ...]
    if len(gaps) > 1:
        raise ValueError("an index may hold one ellipsis (...), not several; write the full slices as ':'")
    missing = ndim - (len(entries) - len(gaps))
    if missing < 0:
        raise TooManyIndices(f"the index is too long: {len(entries) - len(gaps)} entries for {ndim} axes")
    place = gaps[0] if gaps else len(entries)
    return (*entries[:place], *[slice(None)] * missing, *entries[place + len(gaps) :])


def _as_slice(entry: Any, axis: int, size: int) -> slice:
    if isinstance(entry, slice):
        if entry.step not in (None, 1):
            raise ValueError(f"axis {axis}: slices with steps ({entry.step}) can't be read; read without, then step")
        start, stop, _ = entry.indices(size)
        return slice(start, max(start, stop))
    if isinstance(entry, (bool, np.bool_, np.ndarray)) or not hasattr(entry, "__index__"):
        raise TypeError(f"axis {axis}: can't index with {type(entry).__name__}; use integers, slices and '...'")
    number = operator.index(entry)
    if not -size <= number < size:
        raise IndexOutOfRange(f"axis {axis}: index {number} is out of range [{-size}, {size})")
    return slice(number % size, number % size + 1)
