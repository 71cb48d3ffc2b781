"""The errors of sources. Each is also the builtin exception that callers of array-like objects expect."""

import lzma
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from dalsegno.errors import DataError

__all__ = [
    "ArrayMissing",
    "FileMissing",
    "IndexOutOfRange",
    "ReadOnly",
    "SourceError",
    "TooManyIndices",
    "ValueOutOfRange",
    "reading",
]


class SourceError(DataError, ValueError):
    """A source can't be opened or reopened in the way that was asked for."""


class FileMissing(DataError, FileNotFoundError):
    """Nothing is stored at the path."""


class ArrayMissing(DataError, KeyError):
    """The container has no array of that name."""

    # KeyError would show its message in quotes
    __str__ = Exception.__str__


class ReadOnly(DataError, TypeError):
    """The source was opened for reading, or its format can't be written."""


class ValueOutOfRange(DataError, OverflowError, ValueError):
    """A number that is to be written is none that the source's dtype holds."""


class IndexOutOfRange(IndexError, ValueError):
    """An integer index is beyond the axis."""


class TooManyIndices(IndexError, TypeError):
    """The index has more entries than the source has axes."""


# libraries in C, such as imagecodecs with its errors of many names, raise kinds of RuntimeError
_DAMAGE = (OSError, EOFError, ValueError, SyntaxError, RuntimeError, struct.error, zlib.error, lzma.LZMAError)


@contextmanager
def reading(what: str, *, also: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Turn what format libraries raise on damaged files into an error that names the file.

    Parameters
    ----------
    what
        What is read.
    also
        Further errors that this library raises on damaged files.

    Raises
    ------
    DataError
        Instead of what the library raised.
    """
    damage: tuple[type[Exception], ...] = (*_DAMAGE, *also)
    try:
        yield
    except DataError:
        raise
    except damage as error:
        raise DataError(f"{what} can't be read: {error}; is the file complete and readable?") from error
