"""What a config class is.

A config class is an immutable attrs class: equal if its content is equal, hashable, documented field
by field. It checks its values when it is made, and names everything that is wrong at once.
"""

import math
import sys
import typing
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from types import SimpleNamespace, UnionType
from typing import Any, ClassVar, TypeVar, cast, dataclass_transform, get_args, get_origin

import attrs
from funlib.geometry import Coordinate, Roi
from upath import UPath

from dalsegno.errors import ConfigError, Problem

__all__ = [
    "Config",
    "config",
    "coordinate",
    "evolve",
    "field",
    "field_problem",
    "fields",
    "finite",
    "not_negative",
    "one_of",
    "positive",
]

C = TypeVar("C")
K = TypeVar("K", bound="Config")

Check = Callable[[Any], str | None]
"""Looks at the value of a field; says what is wrong with it and what to do, or None."""


def field(
    *,
    help: str,
    default: Any = attrs.NOTHING,
    factory: Callable[[], Any] | None = None,
    check: Check | None = None,
) -> Any:
    """Declare a field of a config class.

    Parameters
    ----------
    help
        What the field means, with its unit and axis order. Shown to users.
    default, factory
        The value where the user gives none; without either the field is required.
    check
        Says what is wrong with a value, or returns None.
    """
    metadata = {"help": help, "check": check}
    if factory is not None:
        return attrs.field(factory=factory, metadata=metadata)
    return attrs.field(default=default, metadata=metadata)


def positive(value: Any) -> str | None:
    """Check that a number, or each of several, is above zero."""
    numbers = value if isinstance(value, tuple) else (value,)
    bad = [number for number in numbers if isinstance(number, int | float) and not 0 < number < math.inf]
    return f"must be above 0 and finite, got {value}" if bad else None


def finite(value: Any) -> str | None:
    """Check that a number, or each of several, is neither NaN nor infinite."""
    numbers = value if isinstance(value, tuple) else (value,)
    bad = [number for number in numbers if isinstance(number, float) and not math.isfinite(number)]
    return f"must be finite, got {value}" if bad else None


def not_negative(value: int) -> str | None:
    """Check that a number is zero or above."""
    return None if value >= 0 else f"must be 0 or above, got {value}"


def one_of(*choices: str) -> Check:
    """Return a check that a text is one of the choices."""

    def check(value: Any) -> str | None:
        if value in choices:
            return None
        near = get_close_matches(str(value), choices, 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        return f"must be one of {', '.join(choices)}, got {value!r}{hint}"

    return check


def coordinate(value: Any) -> Coordinate:
    """Make a `Coordinate` of whole numbers.

    Raises
    ------
    ConfigError
        If one has a fraction, which `Coordinate` would cut off, or is no number.
    """
    numbers = list(value) if isinstance(value, (list, tuple)) else [value]
    for number in numbers:
        if isinstance(number, bool) or not (hasattr(number, "__index__") or isinstance(number, float)):
            raise ConfigError(f"{number!r} is not a whole number")
        if number != int(number):
            raise ConfigError(
                f"{number} is not a whole number, and world coordinates are: choose a finer unit "
                f"(units: pm instead of nm) and write {round(float(number) * 1000, 6):g}"
            )
    return Coordinate(int(number) for number in numbers)


def _with_converters(cls: type, attributes: list["attrs.Attribute[Any]"]) -> list["attrs.Attribute[Any]"]:
    return [
        attribute.evolve(
            converter=attribute.converter or _converter(_hint(cls, attribute.type)),
            hash=False if _unhashable(_hint(cls, attribute.type)) else None,
        )
        for attribute in attributes
    ]


def _hint(cls: type, written: Any) -> Any:
    """Return the type of a field; None if it is written as a text that names what is not defined yet."""
    if not isinstance(written, str):
        return written
    known = vars(sys.modules[cls.__module__]) | {cls.__name__: cls}
    try:
        return typing.get_type_hints(SimpleNamespace(__annotations__={"field": written}), known)["field"]
    except NameError:
        return None


def _unhashable(hint: Any) -> bool:
    return hint is Roi or get_origin(hint) is dict or any(map(_unhashable, get_args(hint)))


def _converter(hint: Any) -> Callable[[Any], Any] | None:
    """Return what turns a convenient value (a list, a text) into the immutable value of a field."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (typing.Union, UnionType) and type(None) in arguments and len(arguments) == 2:
        inner = _converter(next(a for a in arguments if a is not type(None)))
        return attrs.converters.optional(inner) if inner else None
    if origin is tuple:
        inner = _converter(arguments[0]) if len(arguments) == 2 and arguments[1] is ... else None
        each = inner or _frozen
        return lambda value: tuple(map(each, value)) if isinstance(value, (list, tuple)) else value
    if hint is Coordinate:
        return coordinate
    if hint is UPath:
        return lambda value: UPath(value) if isinstance(value, str) or hasattr(value, "__fspath__") else value
    return None


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field, attrs.field))
def config(cls: type[C]) -> type[C]:
    """Make a config class: immutable, keyword-only, hashable; lists become tuples, texts become paths."""
    return attrs.frozen(cls, kw_only=True, slots=False, field_transformer=_with_converters)


@config
class Config:
    """Base of all config classes. Values are checked when one is made, all problems at once.

    Raises
    ------
    ConfigError
        If values are out of bounds or don't fit each other.
    """

    kind: ClassVar[str] = ""

    def __attrs_post_init__(self) -> None:
        problems = [
            problem
            for attribute in fields(type(self))
            if (problem := field_problem(attribute, getattr(self, attribute.name)))
        ]
        problems = problems or list(self.problems())
        if problems:
            raise ConfigError(problems)

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong between the fields; the values of each have been checked already."""
        yield from ()

    def verify(self) -> tuple[bool, str]:
        """Return whether the config is valid, and what is wrong if it is not."""
        problems = list(self.problems())
        return not problems, "\n".join(map(str, problems)) or "No validation problems"


def fields(cls: type[Config]) -> "tuple[attrs.Attribute[Any], ...]":
    """Return the fields of a config class."""
    return cast("tuple[attrs.Attribute[Any], ...]", attrs.fields(cast(Any, cls)))


def evolve(given: K, **changes: Any) -> K:
    """Return a config with some fields changed, checked anew."""
    return cast(K, attrs.evolve(cast(Any, given), **changes))


def field_problem(attribute: "attrs.Attribute[Any]", value: Any) -> Problem | None:
    """Return what is wrong with the value of one field."""
    check = attribute.metadata.get("check")
    message = check(value) if check is not None and value is not None else None
    return Problem(message, (attribute.alias or attribute.name,)) if message else None
