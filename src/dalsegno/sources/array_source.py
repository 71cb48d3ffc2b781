"""A live array as a source."""

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dalsegno.sources.errors import FileMissing, SourceError
from dalsegno.sources.indexing import Slices
from dalsegno.sources.registry import register_spec_kind
from dalsegno.sources.source import Source, SourceSpec
from dalsegno.sources.storage.credentials import check_no_credentials
from dalsegno.sources.storage.remote import is_in_memory, reaching

__all__ = ["ArraySource"]


class ArraySource(Source):
    """A live array-like: a numpy array (read as views), a zarr array, or anything with shape, dtype and slices.

    Parameters
    ----------
    array
        The array. Only zarr arrays of local files and of servers can be reopened elsewhere.
    """

    def __init__(self, array: Any) -> None:
        self._array = array

    @property
    def array(self) -> Any:
        """The very object that was wrapped."""
        return self._array

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels per axis."""
        return tuple(int(size) for size in self.array.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of what is read.

        Raises
        ------
        TypeError
            If it is none of numpy's, as those of torch.
        """
        kind = type(self.array)
        try:
            dtype: np.dtype[Any] = np.dtype(self.array.dtype)
        except TypeError as error:
            raise TypeError(
                f"{kind.__module__}.{kind.__name__} has the dtype {self.array.dtype}, which is none of numpy's; "
                "give numpy.asarray(...) of it"
            ) from error
        return dtype

    @property
    def chunks(self) -> tuple[int, ...] | None:
        """Shape of a chunk in voxels; None if the array has none, or they differ."""
        return _sizes(getattr(self.array, "chunks", None))

    @property
    def shards(self) -> tuple[int, ...] | None:
        """Shape of a shard in voxels; None if the array has none."""
        return _sizes(getattr(self.array, "shards", None))

    @property
    def writable(self) -> bool:
        """Whether the array can be written."""
        if isinstance(self.array, np.ndarray):
            return bool(self.array.flags.writeable)
        return not getattr(self.array, "read_only", False)

    def _getitem(self, roi: Slices) -> NDArray[Any]:
        return np.asarray(self.array[roi])

    def _setitem(self, roi: Slices, value: NDArray[Any]) -> None:
        self.array[roi] = value

    def to_spec(self) -> SourceSpec:
        """Return what reopens a zarr array of local files or of a server, with the access that this one has.

        Raises
        ------
        SourceError
            If the array is in memory or in a store that other processes can't reach, or was opened with credentials,
            which a spec doesn't keep; a `ValueError`.
        """
        if isinstance(self.array, np.ndarray):
            raise SourceError(
                "a numpy array lives in this process only and can't be reopened elsewhere; save it as zarr"
            )
        place = _place(getattr(self.array, "store", None)) if _is_zarr(self.array) else None
        if place is None:
            store = f" in a {type(self.array.store).__name__}" if _is_zarr(self.array) else ""
            raise SourceError(
                f"an array of type {type(self.array).__name__}{store} can't be reopened elsewhere; save it as zarr on "
                "a disk or server, and open it by its path with open_source"
            )
        path, options = place
        params = {"mode": "r+"} if self.writable else {}
        return SourceSpec("zarr", path, self.array.path, params | ({"storage_options": options} if options else {}))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.array,)  # the array knows best how it is sent

    @staticmethod
    def reopen(spec: SourceSpec) -> "ArraySource":
        """Reopen a zarr array from its spec: read-only unless the spec says ``mode: "r+"``.

        Raises
        ------
        SourceError
            If the spec is of another kind, or names no path; a `ValueError`.
        FileMissing
            If the array is gone; a `FileNotFoundError`.
        """
        if spec.kind != "zarr":
            raise SourceError(f"a spec of kind {spec.kind!r} is no zarr array; use from_spec")
        if not spec.path:
            raise SourceError("the spec of a zarr array names no path; give the container's path or URL")
        import zarr

        where = f"zarr array {spec.internal_path!r} in {spec.path}"
        options = spec.params.get("storage_options")
        try:
            with reaching(where, advice="is it complete and readable?"):
                array = zarr.open_array(
                    spec.path,
                    path=spec.internal_path or "",
                    mode=spec.params.get("mode", "r"),
                    storage_options=options,
                )
        except FileNotFoundError as error:
            raise FileMissing(f"no {where}; was it moved or deleted?") from error
        return ArraySource(array)


def _is_zarr(array: Any) -> bool:
    return type(array).__module__.partition(".")[0] == "zarr"


def _place(store: Any) -> tuple[str, dict[str, Any]] | None:
    """Return where other processes find a zarr store: its path or URL, and the options of fsspec."""
    root, system = getattr(store, "root", None), getattr(store, "fs", None)
    if root is not None:
        return os.path.abspath(root), {}  # noqa: PTH100 - resolves no links
    if system is None:
        return None
    system = getattr(system, "sync_fs", system)
    options = {name: value for name, value in system.storage_options.items() if name not in ("asynchronous", "loop")}
    url = system.unstrip_protocol(store.path)
    if is_in_memory(url):
        return None
    if url.startswith("file://"):
        return url.removeprefix("file://"), {}
    check_no_credentials(url, options)
    return url, options


def _sizes(sizes: Any) -> tuple[int, ...] | None:
    if sizes is None:
        return None
    # dask lists the sizes of all chunks along an axis; the last may be cut off
    lists = [size if isinstance(size, tuple) else (size,) for size in sizes]
    regular = all({*sizes[:-1]} <= {sizes[0]} and sizes[-1] <= sizes[0] for sizes in lists)
    return tuple(int(sizes[0]) for sizes in lists) if regular else None


register_spec_kind("zarr", ArraySource.reopen)
