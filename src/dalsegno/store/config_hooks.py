"""How mappings become config classes and back, by the name of their type.

A config class that others derive from (``ArrayConfig``) needs the name of the one that is meant:
``type: ZarrArray``, stored as ``__type__: ZarrArrayConfig``. Names are looked up among the components
and the classes that derive from the declared one; they are never evaluated.
"""

import typing
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any

import attrs
from cattrs import Converter

from dalsegno import components
from dalsegno.config import Config, field_problem
from dalsegno.errors import ConfigError, Problem
from dalsegno.store.value_hooks import collecting, expected

__all__ = ["structure_class", "unstructure_class"]

TAG = "__type__"


def structure_class(data: Any, cls: type, converter: Converter) -> Any:
    """Make an object of the class, or of the one below it that the tag names.

    Raises
    ------
    ConfigError
        With everything that is wrong: unknown and missing fields, wrong values, what their checks say,
        and, where all of them are right by themselves, what does not fit together.
    """
    if not isinstance(data, Mapping):
        raise expected(f"a mapping with the fields of {cls.__name__}", data)
    tag_key = next((key for key in (TAG, "type") if key in data and key not in attrs.fields_dict(cls)), None)
    concrete = _concrete_class(cls, tag_key, data.get(tag_key))
    given = {key: value for key, value in data.items() if key != tag_key}
    problems = list(_unknown_fields(concrete, given))
    values: dict[str, Any] = {}
    for attribute in _fields(concrete):
        key = next((name for name in _names(attribute) if name in given), None)
        if key is not None:
            with collecting(problems, key):
                values[_alias(attribute)] = _field_value(attribute, concrete, given[key], converter)
        elif attribute.default is attrs.NOTHING:
            needed = attribute.metadata.get("help", f"{concrete.__name__} needs it")
            problems.append(Problem(f"required field missing: {needed}", (_alias(attribute),)))
    if problems:
        raise ConfigError(problems)
    try:
        return concrete(**values)
    except ValueError as error:
        raise ConfigError(str(error)) from error


def unstructure_class(value: Any, converter: Converter) -> dict[str, Any]:
    """Return the plain mapping of an object, with its type where it is a config."""
    tag = {TAG: type(value).__name__} if isinstance(value, Config) else {}
    names = [attribute.name for attribute in _fields(type(value))]
    return tag | {name: converter.unstructure(getattr(value, name)) for name in names}


def _field_value(attribute: "attrs.Attribute[Any]", cls: type, given: Any, converter: Converter) -> Any:
    value = converter.structure(given, _hints(cls)[attribute.name])
    if problem := field_problem(attribute, value):
        raise ConfigError([Problem(problem.message)])
    return value


def _unknown_fields(cls: type, given: Mapping[Any, Any]) -> Iterator[Problem]:
    known = {name: _alias(attribute) for attribute in _fields(cls) for name in _names(attribute)}
    for key in given:
        near = get_close_matches(str(key), set(known.values()), 1)
        if key not in known:
            hint = (
                f"did you mean {near[0]!r}?" if near else f"{cls.__name__} has: {', '.join(known.values()) or 'none'}"
            )
            yield Problem(f"unknown field; {hint}", (key,))
        elif key != known[key] and known[key] in given:
            yield Problem(f"given twice, also as {known[key]!r}; keep one", (key,))


def _concrete_class(declared: type, tag_key: str | None, tag: Any) -> type:
    """Return the class that a tag names; without a tag the declared one, where it can stand for itself."""
    if tag_key is None:
        if _is_kind_base(declared):
            raise ConfigError(f"type missing: say which {declared.__name__} this is; {_known(declared)}")
        return declared
    problems: list[Problem] = []
    with collecting(problems, tag_key):
        if not isinstance(tag, str):
            raise expected("the name of a type", tag)
        found = _named_class(tag, declared)
        if _is_kind_base(found):
            raise ConfigError(f"{tag!r} is what all of its kind derive from; {_known(declared)}")
        return found
    raise ConfigError(problems)


def _named_class(tag: str, declared: type) -> type:
    name = tag.removesuffix("Config")
    for known in _family(declared):
        if known.__name__.removesuffix("Config") == name:
            return known
    kind = getattr(declared, "kind", "")
    if kind not in components.ROOMS:
        raise ConfigError(f"unknown type {tag!r}; {_known(declared)}")
    found = components.config_class(tag, kind)
    if not issubclass(found, declared):
        raise ConfigError(f"{found.__name__} is no {declared.__name__}; {_known(declared)}")
    return found


def _is_kind_base(cls: type) -> bool:
    return Config in cls.__bases__ and getattr(cls, "kind", "") in components.ROOMS


def _family(cls: type) -> Iterator[type]:
    yield cls
    derived: list[type] = cls.__subclasses__()
    for below in derived:
        yield from _family(below)


def _known(declared: type) -> str:
    kind = getattr(declared, "kind", "")
    rooms = components.component_names(kind) if _is_kind_base(declared) else ()
    defined = {cls.__name__.removesuffix("Config") for cls in _family(declared) if not _is_kind_base(cls)}
    return f"known: {', '.join(sorted({*rooms, *defined})) or 'none'}"


@cache
def _hints(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def _fields(cls: type) -> "list[attrs.Attribute[Any]]":
    return [attribute for attribute in attrs.fields(cls) if attribute.init]


def _alias(attribute: "attrs.Attribute[Any]") -> str:
    return attribute.alias or attribute.name


def _names(attribute: "attrs.Attribute[Any]") -> tuple[str, str]:
    """Return the names under which a field may be written: ``x``, and ``_x`` as older documents do."""
    return _alias(attribute), attribute.name
