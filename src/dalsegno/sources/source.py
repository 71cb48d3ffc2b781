"""What a source is: stored voxels that read like an array and reopen in another process."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from dalsegno.sources.indexing import Index, Slices, normalized

__all__ = ["Source", "SourceSpec"]


@dataclass
class SourceSpec:
    """Everything that reopens a source elsewhere, as plain values.

    Attributes
    ----------
    kind
        Which kind of source it is: ``"file"``, ``"zarr"``, or one that was registered.
    path
        Absolute path or URL of the container.
    internal_path
        Name of the array inside the container.
    params
        What else is needed: texts, numbers, lists of these.
    wrapped
        The source that this one is a view of, or several.
    """

    kind: str
    path: str | None = None
    internal_path: str | None = None
    params: dict[str, Any] = field(default_factory=dict)
    wrapped: "SourceSpec | list[SourceSpec] | None" = None


class Source(ABC):
    """Voxels behind an index, without units. A subclass reads and writes boxes; the rest is here.

    ``source[index]`` takes integers, slices and an ellipsis as numpy does, without steps. Writing
    broadcasts and casts as numpy does, whatever stands behind.
    """

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
        """Return voxels as an array, or as one scalar if all axes are given as integers."""
        slices, dropped = normalized(index, self.shape)
        block = np.empty(_extent(slices), self.dtype) if _is_empty(slices) else self._getitem(slices)
        if self.ndim and not dropped:
            return block
        return block[tuple(0 if axis in dropped else slice(None) for axis in range(self.ndim))]

    def __setitem__(self, index: Index, value: Any) -> None:
        """Write voxels; the value is broadcast to the index and cast to the source's dtype."""
        slices, dropped = normalized(index, self.shape)
        extent = _extent(slices)
        kept = tuple(size for axis, size in enumerate(extent) if axis not in dropped)
        block = np.broadcast_to(np.asarray(value).astype(self.dtype), kept).reshape(extent)
        if not _is_empty(slices):
            self._setitem(slices, block)

    def close(self) -> None:  # noqa: B027 - most hold nothing open
        """Close what the source holds open; nothing can be read after it. Also at the end of a ``with``."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("a source without axes has no length")
        return self.shape[0]

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self[...], dtype=dtype, copy=copy)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(shape={self.shape}, dtype={self.dtype})"


def _extent(slices: Slices) -> tuple[int, ...]:
    return tuple(entry.stop - entry.start for entry in slices)


def _is_empty(slices: Slices) -> bool:
    return 0 in _extent(slices)
