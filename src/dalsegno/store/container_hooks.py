"""How lists, mappings and choices become the values of config fields, with every problem inside them."""

import types
import typing
from collections.abc import Callable, Sequence
from typing import Any, Literal, get_args, get_origin

from cattrs import Converter

from dalsegno.errors import ConfigError, Problem
from dalsegno.store.value_hooks import Hook, Mismatch, choice, collecting, described, expected, is_kind

__all__ = ["register_container_hooks"]


def register_container_hooks(converter: Converter) -> None:
    """Register the hooks for tuples and lists, dicts, unions and literals."""

    def register(applies: Callable[[Any], bool], factory: Callable[[Any, Converter], Hook]) -> None:
        converter.register_structure_hook_factory(applies, lambda hint: factory(hint, converter))

    register(_has_origin(tuple, list, Sequence), _sequence)
    register(_has_origin(dict), _mapping)
    register(_has_origin(typing.Union, types.UnionType), _union)
    register(_has_origin(Literal), _literal)
    plain = converter.unstructure
    converter.register_unstructure_hook_func(is_kind(tuple, list), lambda value: list(map(plain, value)))
    converter.register_unstructure_hook_func(
        is_kind(dict), lambda value: {plain(key): plain(item) for key, item in value.items()}
    )


def _sequence(hint: Any, converter: Converter) -> Hook:
    build = list if (get_origin(hint) or hint) is list else tuple
    items = get_args(hint) or (Any, ...)
    length = None if build is list or items[-1] is ... or get_origin(hint) is not tuple else len(items)

    def hook(value: Any, _: Any) -> Any:
        if not isinstance(value, (list, tuple)):
            raise expected("a list", value)
        if length is not None and len(value) != length:
            raise expected(f"a list of {length}", value)
        problems: list[Problem] = []
        built = []
        for index, item in enumerate(value):
            with collecting(problems, index):
                built.append(converter.structure(item, items[0] if length is None else items[index]))
        if problems:
            raise ConfigError(problems)
        return build(built)

    return hook


def _mapping(hint: Any, converter: Converter) -> Hook:
    key_type, value_type = get_args(hint) or (Any, Any)

    def hook(value: Any, _: Any) -> Any:
        if not isinstance(value, dict):
            raise expected("a mapping", value)
        problems: list[Problem] = []
        built = {}
        for key, item in value.items():
            with collecting(problems, key):
                built[converter.structure(key, key_type)] = converter.structure(item, value_type)
        if problems:
            raise ConfigError(problems)
        return built

    return hook


def _union(hint: Any, converter: Converter) -> Hook:
    """Return a hook that takes the first member which fits, and speaks of the one that was meant."""
    members = sorted(get_args(hint), key=lambda member: member is not type(None))

    def hook(value: Any, _: Any) -> Any:
        mismatches, others = [], []
        for member in members:
            try:
                return converter.structure(value, member)
            except Mismatch as error:
                mismatches.append((member, error))
            except ConfigError as error:
                others.append(error)
        if others:
            raise others[0]
        wanted = [(member, error) for member, error in mismatches if member is not type(None)]
        if len(wanted) == 1:
            raise wanted[0][1]
        raise expected(" or ".join(described(member) for member, _ in wanted), value)

    return hook


def _literal(hint: Any, _: Converter) -> Hook:
    return lambda value, _: choice(value, get_args(hint))


def _has_origin(*origins: Any) -> Callable[[Any], bool]:
    return lambda hint: hint in origins or get_origin(hint) in origins
