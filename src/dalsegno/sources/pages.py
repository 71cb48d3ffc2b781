"""Voxels that are stored page by page, read lazily; the last pages of all sources are kept together."""

import itertools
import math
import os
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from dalsegno.sources.indexing import Slices

__all__ = ["keeping", "page_reader"]

_KEPT_BYTES = 256 * 2**20

Page = NDArray[Any]
Place = TypeVar("Place", bound=Hashable)


class _Cache:
    """The pages that were read last, of all readers of this process: `capacity` bytes, but at least one page."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.forget_all()

    def forget_all(self) -> None:
        """Forget everything. A forked process does: its lock may be held by a thread that it does not have."""
        self._pages: OrderedDict[tuple[int, Hashable], Page] = OrderedDict()
        self._nbytes = 0
        # a reader's end, which the garbage collector may bring about anywhere, forgets its pages
        self._lock = threading.RLock()

    def find(self, key: tuple[int, Hashable]) -> Page | None:
        with self._lock:
            if key in self._pages:
                self._pages.move_to_end(key)
            return self._pages.get(key)

    def keep(self, key: tuple[int, Hashable], page: Page) -> None:
        with self._lock:
            self._drop(key)
            self._pages[key] = page
            self._nbytes += page.nbytes
            while self._nbytes > self.capacity and len(self._pages) > 1:
                self._drop(next(iter(self._pages)))

    def forget(self, reader: int) -> None:
        with self._lock:
            for key in [key for key in list(self._pages) if key[0] == reader]:
                self._drop(key)

    def _drop(self, key: tuple[int, Hashable]) -> None:
        page = self._pages.pop(key, None)
        nbytes = 0 if page is None else page.nbytes
        self._nbytes -= nbytes


_cache = _Cache(_KEPT_BYTES)
_readers = itertools.count()
os.register_at_fork(after_in_child=_cache.forget_all)


def keeping(read: Callable[[Place], Page]) -> Callable[[Place], Page]:
    """Return a function that reads as `read` does, but keeps what it read last.

    All such functions of a process keep 256 MiB together; the pages of one go when it goes.

    Parameters
    ----------
    read
        Returns a page, which nobody changes.
    """
    reader = next(_readers)

    def read_or_find(place: Place) -> Page:
        page = _cache.find((reader, place))
        if page is None:
            page = read(place)
            _cache.keep((reader, place), page)
        return page

    weakref.finalize(read_or_find, _cache.forget, reader).atexit = False
    return read_or_find


def page_reader(leading: tuple[int, ...], read_page: Callable[[int], Page]) -> Callable[[Slices], Page]:
    """Return a function that reads a box of a stack of pages.

    Only the pages that the box touches are read. The last ones are kept, since neighbouring boxes touch the same
    pages; see `keeping`.

    Parameters
    ----------
    leading
        Shape of the axes in front of a page's own; their product is the number of pages.
    read_page
        Returns a whole page by its number, in C order of the leading axes.
    """
    pages = keeping(read_page)
    strides = [math.prod(leading[axis + 1 :]) for axis in range(len(leading))]

    def read(roi: Slices) -> Page:
        outer, inner = roi[: len(leading)], roi[len(leading) :]
        counts = tuple(entry.stop - entry.start for entry in outer)
        parts = []
        for place in np.ndindex(*counts):
            number = sum((entry.start + at) * step for entry, at, step in zip(outer, place, strides, strict=True))
            parts.append(pages(number)[inner])
        return np.stack(parts).reshape(*counts, *parts[0].shape)

    return read
