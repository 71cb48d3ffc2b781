"""From objects and specs to sources."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Union

from numpy.typing import NDArray

from dalsegno.sources.array_source import ArraySource
from dalsegno.sources.errors import SourceError
from dalsegno.sources.file_source import FileSource
from dalsegno.sources.source import Source, SourceSpec

if TYPE_CHECKING:
    import zarr

__all__ = ["SourceLike", "as_source", "from_spec", "register_source", "register_spec_kind"]

SourceLike = Union[Source, NDArray[Any], "zarr.Array[Any]"]
"""What `as_source` takes: sources, numpy arrays, zarr arrays, and what converters were registered for."""

_converters: list[tuple[Callable[[Any], bool], Callable[[Any], Source]]] = []
_kinds: dict[str, Callable[[SourceSpec], Source]] = {"zarr": ArraySource.reopen, "file": FileSource.reopen}


def register_source(predicate: Callable[[Any], bool], converter: Callable[[Any], Source]) -> None:
    """Let `as_source` take another type of object; of several that fit, the first registered wins.

    Parameters
    ----------
    predicate
        Whether an object is of the type.
    converter
        Makes the source.
    """
    _converters.append((predicate, converter))


def register_spec_kind(kind: str, reopen: Callable[[SourceSpec], Source]) -> None:
    """Let `from_spec` reopen another kind of spec.

    Raises
    ------
    SourceError
        If the kind is taken; a `ValueError`.
    """
    if _kinds.setdefault(kind, reopen) is not reopen:
        raise SourceError(f"the spec kind {kind!r} is registered already; choose another name")


def as_source(obj: SourceLike | Any) -> Source:
    """Return an object as a source; a source is returned as it is.

    Raises
    ------
    TypeError
        If it is a path (`open_source` opens those), or has no shape and dtype.
    """
    if isinstance(obj, Source):
        return obj
    if isinstance(obj, (str, bytes)):
        raise TypeError(f"{obj!r}: strings / file paths are ambiguous here; open them with open_source")
    for predicate, converter in _converters:
        if predicate(obj):
            return converter(obj)
    if hasattr(obj, "shape") and hasattr(obj, "dtype"):
        return ArraySource(obj)
    raise TypeError(f"{type(obj).__name__} has no shape and dtype; give a numpy or zarr array, or use open_source")


def from_spec(spec: SourceSpec) -> Source:
    """Reopen a source from its spec; read-only unless the spec says otherwise.

    Raises
    ------
    SourceError
        If the kind of the spec is unknown; a `ValueError`.
    """
    reopen = _kinds.get(spec.kind)
    if reopen is None:
        raise SourceError(f"unknown kind of source {spec.kind!r}; known: {', '.join(sorted(_kinds))}")
    return reopen(spec)
