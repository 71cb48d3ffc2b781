"""Blocks of a prediction that are in work at the same time."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from funlib.geometry import Coordinate, Roi
from numpy.typing import NDArray

from dalsegno.arrays.array import Array
from dalsegno.compute.threads import available_cores
from dalsegno.errors import DataError

__all__ = ["in_parallel", "whole_chunks", "with_channels"]

T = TypeVar("T")
R = TypeVar("R")


def whole_chunks(block_size: Coordinate, chunk_size: Coordinate, least: Sequence[int]) -> Coordinate:
    """Return the voxels of a block, rounded up to whole chunks of at least so many voxels, along the last axes.

    Raises
    ------
    DataError
        If a size has fewer numbers than there are axes, or one that is no number of voxels.
    """
    dims = len(least)
    for name, sizes in (("block_size", block_size), ("chunk_size", chunk_size)):
        if len(sizes) < dims or not all(hasattr(size, "__index__") and size > 0 for size in sizes):
            raise DataError(
                f"{name} {tuple(sizes)} divides no prediction of {dims} axes into blocks; give a whole number of "
                "voxels above 0 for each axis"
            )
    chunk = [max(size, smallest) for size, smallest in zip(chunk_size[-dims:], least, strict=True)]
    return Coordinate(-(-length // size) * size for length, size in zip(block_size[-dims:], chunk, strict=True))


def with_channels(prediction: Array, roi: Roi) -> NDArray[Any]:
    """Return the voxels of a region with axes ``(c, *spatial)``, whether or not the array has channels."""
    values = prediction[roi]
    return values if prediction.num_channels is not None else values[None]


def in_parallel(function: Callable[[T], R], items: Iterable[T], num_workers: int) -> list[R]:
    """Return what a function makes of each item; the first failure is raised, and what has not begun is left out."""
    with ThreadPoolExecutor(max(1, min(num_workers, available_cores()))) as pool:
        try:
            return list(pool.map(function, items))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
