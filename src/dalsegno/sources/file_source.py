"""Voxels of a file as a source."""

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from upath import UPath

from dalsegno.sources.array_source import ArraySource
from dalsegno.sources.errors import FileMissing, ReadOnly, SourceError
from dalsegno.sources.file_format import find_format, infer_format
from dalsegno.sources.geometry import Geometry
from dalsegno.sources.indexing import Slices
from dalsegno.sources.registry import register_spec_kind
from dalsegno.sources.source import SourceSpec
from dalsegno.sources.storage.credentials import check_no_credentials
from dalsegno.sources.storage.remote import is_in_memory, is_url

__all__ = ["FileSource", "StoragePath", "open_source"]

StoragePath = str | os.PathLike[str] | UPath
"""A local path, or a URL as a text or `UPath`."""


class FileSource(ArraySource):
    """Voxels of a file. Made by `open_source`.

    It can be pickled and it survives a fork: the other process opens the file itself.

    Parameters
    ----------
    array
        What the format's reader gave: shape, dtype and slices.
    path
        The file or folder, or a URL.
    internal_path
        Name of the array inside.
    format
        Name of the format.
    mode
        ``"r"`` or ``"r+"``.
    open_kwargs
        Further options of the format.
    writable
        Whether voxels can be written.
    """

    def __init__(  # noqa: PLR0913 - the record of how it was opened
        self,
        array: Any,
        *,
        path: StoragePath,
        internal_path: str | None,
        format: str,
        mode: str = "r",
        open_kwargs: dict[str, Any] | None = None,
        writable: bool = False,
    ) -> None:
        super().__init__(array)
        self.path = _absolute(path)
        self.internal_path = internal_path
        self.mode = mode
        self._format = format
        self._open_kwargs = dict(open_kwargs or {})
        self._writable = writable
        self._process = os.getpid()
        # asked for with every read
        self._shape, self._dtype = super().shape, super().dtype.newbyteorder("=")

    @property
    def array(self) -> Any:
        """What the format's reader gave, opened by this process: open files don't survive a fork."""
        if self._closed:
            raise self._is_closed()
        if self._process != os.getpid():
            self._array = self.reopen(self._spec()).array
            self._process = os.getpid()
        return self._array

    @property
    def format(self) -> str:
        """Name of the format."""
        return self._format

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels per axis."""
        return self._shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of what is read, in this machine's byte order."""
        return self._dtype

    @property
    def writable(self) -> bool:
        """Whether the file was opened for writing and its format can be written."""
        return self._writable

    @property
    def metadata(self) -> Geometry:
        """The geometry that the file's header knows."""
        geometry = getattr(self.array, "geometry", None)
        return geometry if isinstance(geometry, Geometry) else Geometry()

    @property
    def attrs(self) -> dict[str, Any]:
        """The file's own attributes."""
        return dict(getattr(self.array, "attrs", {}))

    def _getitem(self, roi: Slices) -> NDArray[Any]:
        return np.asarray(self.array[roi], dtype=self._dtype)

    def _setitem(self, roi: Slices, value: NDArray[Any]) -> None:
        self.array[roi] = value

    def __setitem__(self, index: Any, value: Any) -> None:
        """Write voxels.

        Raises
        ------
        ReadOnly
            If the file is not open for writing or its format can't be written; a `TypeError`.
        """
        if not self._closed and not self.writable:
            advice = 'open it with mode="r+"' if find_format(self.format).writable else "write to a zarr array instead"
            raise ReadOnly(f"{self.path} ({self.format}, mode {self.mode!r}) is read-only; {advice}")
        super().__setitem__(index, value)

    def close(self) -> None:
        """Close the file, and forget what was kept of it; nothing can be read or written after it."""
        close = getattr(self._array, "close", None)
        if callable(close) and self._process == os.getpid():
            close()
        self._array = None
        super().close()

    def to_spec(self) -> SourceSpec:
        """Return what reopens this file in another process, in the same mode.

        Raises
        ------
        SourceError
            If it lies in the memory of this process; a `ValueError`.
        """
        if is_in_memory(self.path):
            raise SourceError(f"{self.path} lies in this process only, and no other can open it; save it on a disk")
        return self._spec()

    def _spec(self) -> SourceSpec:
        params = {**self._open_kwargs, "format": self.format, "mode": self.mode}
        return SourceSpec("file", self.path, self.internal_path, params)

    @staticmethod
    def reopen(spec: SourceSpec) -> "FileSource":
        """Open the file of a spec; read-only unless the spec says otherwise."""
        return open_source(spec.path or "", spec.internal_path, **spec.params)

    def __reduce__(self) -> tuple[Any, ...]:
        return FileSource.reopen, (self.to_spec(),)

    def __repr__(self) -> str:
        return f"FileSource({self.path!r}, {self.internal_path!r}, shape={self.shape}, dtype={self.dtype})"


def open_source(
    path: StoragePath,
    internal_path: str | None = None,
    format: str | None = None,
    mode: str = "r",
    **kwargs: Any,
) -> FileSource:
    """Open stored voxels.

    Parameters
    ----------
    path
        A file or folder, or a URL where the format reads them.
    internal_path
        Name of the array where the file holds several; a pattern such as ``"*.tif"`` for a folder of images.
    format
        Name of the format; without it, the extension tells, or what lies there.
    mode
        ``"r"`` to read; ``"r+"`` or ``"a"`` to write too. Formats that can't be written ignore it.
        Nothing is ever created or erased.
    **kwargs
        Further options of the format. `storage_options` are those of fsspec for a URL: they are kept in the spec,
        so they hold no credentials.

    Raises
    ------
    SourceError
        If the format is unknown, can't be told, has no such option, is not read by URL, or the container needs an
        `internal_path`; if a path is empty or no text, or there are credentials in it; a `ValueError`.
    FileMissing
        If nothing is stored there; a `FileNotFoundError`.
    ArrayMissing
        If the container has no such array; a `KeyError`.
    DataError
        If the file is damaged or the format's library is not installed.
    """
    _check_arguments(path, internal_path, mode)
    place = _absolute(path)
    known = find_format(format) if format is not None else None
    remote = is_url(place)
    if remote and isinstance(path, UPath) and path.storage_options:
        kwargs = {"storage_options": dict(path.storage_options), **kwargs}
    check_no_credentials(place, kwargs.get("storage_options"))
    if not remote and not Path(place).exists():
        raise FileMissing(f"{place} does not exist; check the path (given as {str(path)!r})")
    known = known or infer_format(place)
    if remote and not known.remote:
        raise SourceError(
            f"{place}: {known.name} files are read from local disks only; copy it to one, or save it as zarr"
        )
    known.require()
    known.check_options(kwargs)
    mode = "r" if mode == "r" else "r+"
    array = known.open(place, internal_path or "", mode, **kwargs)
    return FileSource(
        array,
        path=place,
        internal_path=known.default_key if internal_path is None else internal_path,
        format=known.name,
        mode=mode,
        open_kwargs=kwargs,
        writable=known.writable and mode != "r",
    )


def _check_arguments(path: StoragePath, internal_path: object, mode: str) -> None:
    if mode not in ("r", "r+", "a"):
        raise SourceError(
            f"mode {mode!r} is none of 'r', 'r+' and 'a'; a source is opened here, never created or erased"
        )
    if not isinstance(internal_path, str | None):
        raise SourceError(
            f"internal_path {internal_path!r} of {path} is no text ({type(internal_path).__name__}); "
            f"give {str(internal_path)!r}"
        )
    if not str(path):
        raise SourceError("the path is empty; give that of a file or folder, or a URL")


def _absolute(path: StoragePath) -> str:
    text = str(path)
    wrapper, is_file, local = text.rpartition("file://")
    if is_url(text) and not is_file:
        return text
    local = os.path.abspath(local)  # noqa: PTH100 - resolves no links
    return f"{wrapper}{is_file}{local}" if wrapper else local


register_spec_kind("file", FileSource.reopen)
