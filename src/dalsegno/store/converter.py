"""Plain documents to objects and back."""

from functools import cache
from typing import Any, TypeVar

from cattrs import Converter

from dalsegno.errors import ConfigError
from dalsegno.store.conversion_hooks import register_hooks
from dalsegno.store.document import Document

__all__ = ["make_converter", "structure", "unstructure"]

T = TypeVar("T")


def make_converter() -> Converter:
    """Return a new converter that knows config classes and the values of their fields."""
    converter = Converter()
    register_hooks(converter)
    return converter


@cache
def _shared_converter() -> Converter:
    return make_converter()


def structure(data: Any, cls: type[T], document: Document | None = None) -> T:
    """Make an object of plain data.

    Parameters
    ----------
    data
        What YAML, TOML or a store gives: dicts, lists, texts, numbers, booleans, None.
    cls
        The class that is wanted; where it is the base of a kind, the data's ``type`` says which one.
    document
        Where the data was read, for the places of problems.

    Raises
    ------
    ConfigError
        If anything is wrong. `ConfigError.problems` holds every problem with its path, and with its
        file and line where the document is given.
    """
    try:
        return _shared_converter().structure(data, cls)
    except ConfigError as error:
        if document is None:
            raise
        raise document.located(error.problems) from error


def unstructure(value: Any) -> Any:
    """Return an object as plain data; configs carry ``__type__``, the name of their class."""
    return _shared_converter().unstructure(value)
