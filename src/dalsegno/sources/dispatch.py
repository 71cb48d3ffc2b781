"""From objects and specs to sources."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Union

from numpy.typing import NDArray

from dalsegno.sources.array_source import ArraySource
from dalsegno.sources.registry import convert, register_source, register_spec_kind, reopener
from dalsegno.sources.source import Source, SourceSpec

if TYPE_CHECKING:
    import zarr

__all__ = ["SourceLike", "as_source", "from_spec", "register_source", "register_spec_kind"]

SourceLike = Union[Source, NDArray[Any], "zarr.Array[Any]"]
"""What `as_source` takes: sources, numpy arrays, zarr arrays, and what converters were registered for."""


def as_source(obj: SourceLike | Any) -> Source:
    """Return an object as a source; a source is returned as it is.

    Raises
    ------
    TypeError
        If it is a path (`open_source` opens those), or has no shape and dtype that numpy knows.
    """
    if isinstance(obj, Source):
        return obj
    if isinstance(obj, (str, bytes)):
        raise TypeError(f"{obj!r}: strings / file paths are ambiguous here; open them with open_source")
    source = convert(obj)
    if source is not None:
        return source
    if hasattr(obj, "shape") and hasattr(obj, "dtype"):
        source = ArraySource(obj)
        _ = source.dtype  # one that numpy doesn't know is an error here rather than with the first read
        return source
    raise TypeError(f"{type(obj).__name__} has no shape and dtype; give a numpy or zarr array, or use open_source")


def from_spec(spec: SourceSpec | Mapping[str, Any]) -> Source:
    """Reopen a source from its spec, or from the dict that `SourceSpec.to_dict` wrote.

    It is read-only unless the spec says otherwise.

    Raises
    ------
    SourceError
        If the kind of the spec is unknown, or a dict has other keys than a spec; a `ValueError`.
    """
    spec = SourceSpec.from_dict(spec) if isinstance(spec, Mapping) else spec
    return reopener(spec.kind)(spec)
