"""How a file format joins the room: one module with one `FORMAT`, found by looking.

The formats of this package are the modules of ``dalsegno.sources.formats``; other packages add theirs
through the entry point group ``dalsegno.formats`` (``nd2 = "my_package.nd2"``). A format's library is
imported when a file of that format is opened.
"""

import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Mapping, MutableMapping
from difflib import get_close_matches
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from dalsegno.components import load_plugin
from dalsegno.errors import DataError
from dalsegno.sources.errors import SourceError
from dalsegno.sources.geometry import Geometry
from dalsegno.sources.indexing import Slices

__all__ = ["FileFormat", "StoredVoxels", "find_format", "infer_format", "known_formats"]


@frozen(eq=False)
class StoredVoxels:
    """An opened file: what is known of it, and how boxes of it are read.

    Attributes
    ----------
    shape, dtype, chunks, shards
        As of a source.
    read
        Returns a box; it is given one slice per axis, never empty. The box is the caller's own.
    write
        Writes a box of the exact shape and dtype; None if the file can't be written.
    geometry
        What the header knows.
    attrs
        The file's own attributes; changes are written where the file is open for writing.
    close
        Closes the file; nothing can be read after it.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    read: Callable[[Slices], NDArray[Any]]
    write: Callable[[Slices, NDArray[Any]], None] | None = None
    chunks: tuple[int, ...] | None = None
    shards: tuple[int, ...] | None = None
    geometry: Geometry = field(factory=Geometry)
    attrs: MutableMapping[str, Any] = field(factory=dict)
    close: Callable[[], None] = lambda: None

    def __getitem__(self, roi: Slices) -> NDArray[Any]:
        return self.read(roi)

    def __setitem__(self, roi: Slices, value: NDArray[Any]) -> None:
        if self.write is None:
            raise TypeError("these voxels are read-only")
        self.write(roi, value)


@frozen
class FileFormat:
    """A file format.

    Attributes
    ----------
    name
        What ``open_source(format=...)`` calls it.
    extensions
        Lower case, with the dot; the longest that fits a path wins.
    open
        ``open(path, internal_path, mode, **kwargs)`` returns the voxels. `internal_path` is ``""``
        where none was given, `mode` is ``"r"`` or ``"r+"``. Its further parameters are the options of the format.
    library, install
        The module that reads it, and what to install where it is missing.
    writable
        Whether voxels can be written.
    claims
        Looks into a path without a known extension; says whether it is of this format.
    default_key
        The internal path that stands for the whole file.
    remote
        Whether `open` takes URLs, and `storage_options` with them.
    schemes
        What such URLs may begin with to say that they are of this format: ``"precomputed"``.
    """

    name: str
    extensions: tuple[str, ...]
    open: Callable[..., StoredVoxels]
    library: str
    install: str
    writable: bool = False
    claims: Callable[[Path], bool] | None = None
    default_key: str = ""
    remote: bool = False
    schemes: tuple[str, ...] = ()

    def check_options(self, options: Mapping[str, Any]) -> None:
        """Check that the format has these options.

        Raises
        ------
        SourceError
            If it does not; a `ValueError` that names those it has.
        """
        _, _, _, *options_of_open = inspect.signature(self.open).parameters.values()
        if any(one.kind is one.VAR_KEYWORD for one in options_of_open):
            return
        known = [one.name for one in options_of_open]
        for name in options:
            if name not in known:
                raise SourceError(
                    f"{self.name} files have no option {name!r}; their options: {', '.join(known) or 'none'}"
                )

    def require(self) -> None:
        """Import the library.

        Raises
        ------
        DataError
            If it is not installed; the message says how to install it.
        """
        try:
            importlib.import_module(self.library)
        except ImportError as error:
            raise DataError(
                f"{self.name} files are read with {self.library}, which is not installed: pip install {self.install}"
            ) from error


def known_formats() -> tuple[FileFormat, ...]:
    """Return the formats of this package and of installed plug-ins; those that can't be loaded are left out."""
    return _formats()[0]


@cache
def _formats() -> tuple[tuple[FileFormat, ...], dict[str, str]]:
    """Return the formats, and for each plug-in that can't be loaded why."""
    room = importlib.import_module("dalsegno.sources.formats")
    names = [f"{room.__name__}.{module.name}" for module in pkgutil.iter_modules(room.__path__)]
    found: list[FileFormat] = [importlib.import_module(name).FORMAT for name in names]
    broken = {}
    for entry in entry_points(group="dalsegno.formats"):
        try:
            loaded = load_plugin(entry)
        except DataError as error:
            broken[entry.name] = str(error)
            continue
        one = getattr(loaded, "FORMAT", loaded)
        if isinstance(one, FileFormat):
            found.append(one)
        else:
            broken[entry.name] = f"the plug-in {entry.name} = {entry.value!r} has no FORMAT that is a FileFormat"
    return tuple(found), broken


def find_format(name: str) -> FileFormat:
    """Return the format of a name.

    Raises
    ------
    SourceError
        If no format has it; a `ValueError`.
    """
    known, broken = _formats()
    for one in known:
        if one.name == name:
            return one
    names = [one.name for one in known]
    near = get_close_matches(name, names, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(names))}"
    raise SourceError(f"Unknown or unavailable format {name!r}; {broken.get(name, hint)}")


def infer_format(path: str) -> FileFormat:
    """Return the format of a path: by its extension, else by what lies there.

    Raises
    ------
    SourceError
        If that tells no format; a `ValueError`.
    """
    for known in known_formats():
        if path.partition("://")[0] in known.schemes:
            return known
    for place in (path, _without_query(path)):
        found = _by_extension(place)
        if found is not None:
            return found
    return _by_content(path)


def _without_query(url: str) -> str:
    return re.split(r"[?#]", url)[0] if "://" in url else url


def _by_extension(path: str) -> FileFormat | None:
    bare = path.rstrip("/").lower()
    fits = [(len(ext), known) for known in known_formats() for ext in known.extensions if bare.endswith(ext)]
    if not fits and "://" in bare:  # into a container: no one can look from here
        fits = [(len(ext), known) for known in known_formats() for ext in known.extensions if f"{ext}/" in bare]
    return max(fits, key=lambda fit: fit[0])[1] if fits else None


def _by_content(path: str) -> FileFormat:
    formats, broken = _formats()
    hints = ["nothing inside tells the format; name it with format=...", *broken.values()]
    for known in formats:
        try:
            if known.claims is not None and known.claims(Path(path)):
                return known
        except Exception as error:  # noqa: BLE001 - one format's trouble is no reason not to ask the others
            hints.append(f"{known.name} has looked, and failed: {type(error).__name__}: {error}")
    extensions = sorted(extension for known in formats for extension in known.extensions)
    raise SourceError(
        f"Could not infer a file format from {path}: known extensions are {', '.join(extensions)}, and "
        + "; ".join(hints)
    )
