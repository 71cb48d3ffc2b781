"""What a source is: stored voxels that read like an array and reopen in another process."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from dalsegno.sources.errors import ReadOnly, SourceError
from dalsegno.sources.indexing import Index, Slices, normalized
from dalsegno.sources.source_spec import SourceSpec
from dalsegno.sources.written_values import fitted

__all__ = ["Source", "SourceSpec"]


class Source(ABC):
    """Voxels behind an index, without units. A subclass reads and writes boxes; the rest is here.

    ``source[index]`` takes integers, slices and an ellipsis as numpy does, without steps. Writing
    broadcasts and casts as numpy does, whatever stands behind.
    """

    _closed = False

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """Voxels per axis."""

    @property
    @abstractmethod
    def dtype(self) -> np.dtype[Any]:
        """Type of what is read."""

    @abstractmethod
    def _getitem(self, roi: Slices) -> NDArray[Any]:
        """Read a box that is not empty; one slice per axis, inside the shape, without steps."""

    @abstractmethod
    def _setitem(self, roi: Slices, value: NDArray[Any]) -> None:
        """Write a box that is not empty; the value has its exact shape and the source's dtype."""

    @abstractmethod
    def to_spec(self) -> SourceSpec:
        """Return what reopens this source in another process.

        Raises
        ------
        SourceError
            If it can't be reopened elsewhere; a `ValueError`.
        """

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of voxels."""
        return math.prod(self.shape)

    @property
    def chunks(self) -> tuple[int, ...] | None:
        """Shape of the smallest box that is stored together, in voxels; None if unknown."""
        return None

    @property
    def shards(self) -> tuple[int, ...] | None:
        """Shape of the smallest box that is written together, where that is more than one chunk."""
        return None

    @property
    def writable(self) -> bool:
        """Whether voxels can be written."""
        return True

    def __getitem__(self, index: Index) -> Any:
        """Return voxels as an array, or as one scalar if all axes are given as integers.

        Raises
        ------
        IndexOutOfRange, TooManyIndices
            If the index does not fit the shape; an `IndexError`.
        SourceError
            If the source was closed; a `ValueError`.
        """
        if self._closed:
            raise self._is_closed()
        slices, dropped = normalized(index, self.shape)
        block = np.empty(_extent(slices), self.dtype) if _is_empty(slices) else self._getitem(slices)
        if self.ndim and not dropped:
            return block
        return block[tuple(0 if axis in dropped else slice(None) for axis in range(self.ndim))]

    def __setitem__(self, index: Index, value: Any) -> None:
        """Write voxels; the value is broadcast to the index and cast to the source's dtype.

        Raises
        ------
        ReadOnly
            If the source can't be written; a `TypeError`.
        SourceError
            If the value does not fit the index, or the source was closed; a `ValueError`.
        ValueOutOfRange
            If a plain number is beyond the dtype (arrays are cast); an `OverflowError` and a `ValueError`.
        """
        if self._closed:
            raise self._is_closed()
        if not self.writable:
            raise ReadOnly(f"{self} is read-only; open it for writing, or write to a zarr array instead")
        slices, dropped = normalized(index, self.shape)
        extent = _extent(slices)
        kept = tuple(size for axis, size in enumerate(extent) if axis not in dropped)
        block = fitted(value, kept, self.dtype).reshape(extent)
        if not _is_empty(slices):
            self._setitem(slices, block)

    def close(self) -> None:
        """Let go of what the source holds open; nothing can be read or written after it. Also at the end of a ``with``.

        A subclass that holds something open closes it here, and calls this.
        """
        self._closed = True

    def _is_closed(self) -> SourceError:
        return SourceError(f"{self} was closed, so nothing can be read or written; open it again")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("a source without axes has no length")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        return (self[place] for place in range(len(self)))

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self[...], dtype=dtype, copy=copy)

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopened, (self.to_spec(),)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(shape={self.shape}, dtype={self.dtype})"


def _reopened(spec: SourceSpec) -> "Source":
    from dalsegno.sources.registry import reopener

    return reopener(spec.kind)(spec)


def _extent(slices: Slices) -> tuple[int, ...]:
    return tuple(entry.stop - entry.start for entry in slices)


def _is_empty(slices: Slices) -> bool:
    return 0 in _extent(slices)
