"""Voxels that are stored page by page, read lazily."""

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from dalsegno.sources.indexing import Slices

__all__ = ["page_reader"]

_CACHE_BYTES = 256 * 2**20


def page_reader(
    leading: tuple[int, ...], page_bytes: int, read_page: Callable[[int], NDArray[np.generic]]
) -> Callable[[Slices], NDArray[np.generic]]:
    """Return a function that reads a box of a stack of pages.

    Only the pages that the box touches are read. The last ones are kept, up to 256 MiB, since
    neighbouring boxes touch the same pages; so memory does not grow with the stack.

    Parameters
    ----------
    leading
        Shape of the axes in front of a page's own; their product is the number of pages.
    page_bytes
        Size of a decoded page.
    read_page
        Returns a whole page by its number, in C order of the leading axes.
    """
    pages = lru_cache(maxsize=max(1, _CACHE_BYTES // max(1, page_bytes)))(read_page)
    strides = [math.prod(leading[axis + 1 :]) for axis in range(len(leading))]

    def read(roi: Slices) -> NDArray[np.generic]:
        outer, inner = roi[: len(leading)], roi[len(leading) :]
        counts = tuple(entry.stop - entry.start for entry in outer)
        parts = []
        for place in np.ndindex(*counts):
            number = sum((entry.start + at) * step for entry, at, step in zip(outer, place, strides, strict=True))
            parts.append(pages(number)[inner])
        return np.stack(parts).reshape(*counts, *parts[0].shape)

    return read
