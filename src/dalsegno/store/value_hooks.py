"""How plain values become the values of config fields: nothing is converted that was not meant.

``"3"`` is no number, ``3.0`` no whole number, ``1`` no boolean, a text no list. Every hook raises
`ConfigError` with all that is wrong below its value, each with its path from there.
"""

import operator
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path, PurePath
from typing import Any, get_origin

from cattrs import Converter
from funlib.geometry import Coordinate, Roi
from upath import UPath

from dalsegno.config import coordinate, one_of
from dalsegno.errors import ConfigError, Problem

__all__ = ["Hook", "Mismatch", "choice", "collecting", "described", "expected", "is_kind", "register_value_hooks"]

Hook = Callable[[Any, Any], Any]

_NAMES: dict[type, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    type(None): "nothing",
    Coordinate: "a list of whole numbers",
    Roi: "an offset and a shape",
}


class Mismatch(ConfigError):
    """The value is of another type than its field."""


def expected(what: str, value: Any) -> Mismatch:
    """Return the error that something else was expected than the value."""
    kinds = {str: "text", int: "number", float: "number", list: "list", tuple: "list", dict: "mapping"}
    if value is None or isinstance(value, bool):
        return Mismatch(f"expected {what}, got {'nothing' if value is None else str(value).lower()}")
    kind, shown = kinds.get(type(value), type(value).__name__), repr(value)
    return Mismatch(f"expected {what}, got the {kind} {shown if len(shown) <= 80 else shown[:77] + '...'}")


def choice(value: Any, choices: tuple[Any, ...]) -> Any:
    """Return the one of the choices that equals the value in type and value."""
    for known in choices:
        if value == known and type(value) is type(known):
            return known
    raise ConfigError(one_of(*map(str, choices))(value) or f"must be of the same type as {choices[0]!r}, got {value!r}")


@contextmanager
def collecting(problems: list[Problem], *path: str | int) -> Iterator[None]:
    """Add what goes wrong inside to the problems, seen from one step up, instead of raising it."""
    try:
        yield
    except ConfigError as error:
        problems.extend(problem.under(*path) for problem in error.problems)


def register_value_hooks(converter: Converter) -> None:
    """Register the hooks for scalars, enums, coordinates, ROIs, paths and data types."""
    for hint, hook in _HOOKS.items():
        converter.register_structure_hook(hint, hook)
    converter.register_structure_hook_func(is_kind(Enum), _structure_enum)
    converter.register_structure_hook_func(_numpy_kind("dtype"), _structure_dtype)
    converter.register_unstructure_hook_func(is_kind(Coordinate), _whole)
    converter.register_unstructure_hook_func(is_kind(Roi), lambda roi: [_whole(roi.offset), _whole(roi.shape)])
    converter.register_unstructure_hook_func(is_kind(Enum), operator.attrgetter("value"))
    converter.register_unstructure_hook_func(is_kind(UPath, PurePath), str)
    converter.register_unstructure_hook_func(_numpy_kind("generic"), operator.methodcaller("item"))
    converter.register_unstructure_hook_func(_numpy_kind("dtype"), str)


def is_kind(*kinds: type) -> Callable[[Any], bool]:
    """Return a test for classes that derive from one of the kinds."""
    return lambda hint: isinstance(hint, type) and issubclass(hint, kinds)


def described(hint: Any) -> str:
    """Return how messages call a type: ``"a whole number"``."""
    return _NAMES.get(hint, str(hint))


def _exactly(*accepted: type, make: Callable[[Any], Any] = lambda value: value) -> Hook:
    """Return a hook for values of one of the types; bool counts as int nowhere."""

    def hook(value: Any, hint: Any) -> Any:
        if issubclass(hint, Enum):  # an IntEnum is also an int
            return _structure_enum(value, hint)
        if type(value) not in accepted:
            raise expected(_NAMES[hint], value)
        return make(value)

    return hook


def _structure_coordinate(value: Any, hint: Any) -> Coordinate:
    if not isinstance(value, (list, tuple)):
        raise expected(_NAMES[hint], value)
    return coordinate(value)


def _whole(numbers: Coordinate) -> list[int]:
    return [int(number) for number in numbers]


def _structure_roi(value: Any, _: Any) -> Roi:
    """Make a ROI of ``[offset, shape]`` or ``{offset: ..., shape: ...}``."""
    if isinstance(value, Roi):
        return value
    if isinstance(value, dict) and value.keys() == {"offset", "shape"}:
        value = [value["offset"], value["shape"]]
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        raise expected("an offset and a shape: [[0, 0, 0], [10, 10, 10]]", value)
    problems: list[Problem] = []
    corners = []
    for name, corner in zip(("offset", "shape"), value, strict=True):
        with collecting(problems, name):
            corners.append(_structure_coordinate(corner, Coordinate))
    if not problems and corners[0].dims != corners[1].dims:
        problems = [Problem(f"offset {value[0]} and shape {value[1]} differ in length; give one number per axis")]
    if problems:
        raise ConfigError(problems)
    return Roi(*corners)


def _structure_path(value: Any, hint: Any) -> Any:
    if not isinstance(value, (str, UPath, PurePath)):
        raise expected("a path", value)
    try:
        return hint(value)
    except (ValueError, ImportError) as error:
        raise ConfigError(f"the path {str(value)!r} can't be used: {error}") from error


def _structure_enum(value: Any, hint: Any) -> Any:
    return value if isinstance(value, hint) else hint(choice(value, tuple(member.value for member in hint)))


def _structure_dtype(value: Any, hint: Any) -> Any:
    dtype = get_origin(hint) or hint
    if not isinstance(value, (str, dtype)):
        raise expected("the name of a data type, such as uint8", value)
    try:
        return dtype(value)
    except TypeError as error:
        raise ConfigError(f"{value!r} is no data type; write one such as uint8, int64 or float32") from error


def _numpy_kind(name: str) -> Callable[[Any], bool]:
    """Return a test for a class of numpy that does not import numpy: where it is used, it is loaded."""

    def applies(hint: Any) -> bool:
        numpy, hint = sys.modules.get("numpy"), get_origin(hint) or hint
        return numpy is not None and isinstance(hint, type) and issubclass(hint, getattr(numpy, name))

    return applies


_HOOKS: dict[Any, Hook] = {
    bool: _exactly(bool),
    int: _exactly(int),
    float: _exactly(float, int, make=float),
    str: _exactly(str),
    type(None): _exactly(type(None)),
    Coordinate: _structure_coordinate,
    Roi: _structure_roi,
    UPath: _structure_path,
    Path: _structure_path,
}
