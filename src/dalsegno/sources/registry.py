"""What can become a source, and what reopens one: the kinds that are known.

A kind registers itself where its class is defined. Kinds of other packages come in through the entry point
group ``dalsegno.sources`` (``ndtiff = "my_package.ndtiff:reopen"``), so a spec reopens in a process that has
imported nothing of them.
"""

from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any

from dalsegno.components import load_plugin
from dalsegno.sources.errors import SourceError
from dalsegno.sources.source import Source, SourceSpec

__all__ = ["convert", "register_source", "register_spec_kind", "reopener"]

Reopen = Callable[[SourceSpec], Source]

ENTRY_POINTS = "dalsegno.sources"

_converters: list[tuple[Callable[[Any], bool], Callable[[Any], Source]]] = []
_kinds: dict[str, Reopen] = {}


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


def register_spec_kind(kind: str, reopen: Reopen) -> None:
    """Let `from_spec` reopen another kind of spec.

    Raises
    ------
    SourceError
        If the kind is taken; a `ValueError`.
    """
    if _kinds.setdefault(kind, reopen) is not reopen:
        raise SourceError(f"the spec kind {kind!r} is registered already; choose another name")


def convert(obj: Any) -> Source | None:
    """Return an object as a source by the first converter that takes it; None if none does.

    Raises
    ------
    TypeError
        If a converter returns something else than a source.
    """
    for predicate, converter in _converters:
        if predicate(obj):
            source = converter(obj)
            if not isinstance(source, Source):
                raise TypeError(f"the converter for {type(obj).__name__} returned {type(source).__name__}, no source")
            return source
    return None


def reopener(kind: str) -> Reopen:
    """Return what reopens a kind of spec.

    Raises
    ------
    SourceError
        If the kind is unknown; a `ValueError`.
    DataError
        If a plug-in has registered it, but can't be loaded.
    """
    if kind in _kinds:
        return _kinds[kind]
    plugins = entry_points(group=ENTRY_POINTS)
    for entry in plugins.select(name=kind):
        reopen: Reopen = load_plugin(entry)
        return reopen
    known = ", ".join(sorted({*_kinds, *plugins.names}))
    raise SourceError(f"unknown kind of source {kind!r}; known: {known}. Is the package that made it installed here?")
