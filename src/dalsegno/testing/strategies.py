"""Hypothesis strategies for configs, drawn from the types of their fields; for components of others too."""

import typing
from types import UnionType
from typing import Any, get_args, get_origin

import attrs
from funlib.geometry import Coordinate, Roi
from hypothesis import reject
from hypothesis import strategies as st
from upath import UPath

from dalsegno.components import ROOMS, component_names, config_class
from dalsegno.config import Config, fields, not_negative, positive
from dalsegno.errors import ConfigError
from dalsegno.experiments.architectures.cnnectome_unet import CNNectomeUNetConfig
from dalsegno.units import Length

__all__ = ["configs"]

_TEXTS = st.text(st.characters(categories=["L", "N", "P", "Zs"]), max_size=12)
_TRIES = 30
_NAMES = st.from_regex(r"run_[a-z0-9_.-]{0,8}[a-z0-9]", fullmatch=True)
_FLOATS = st.floats(allow_nan=False, allow_infinity=False, width=32)


@st.composite
def configs(draw: st.DrawFn, cls: type[Config], *, depth: int = 2) -> Any:
    """Draw a valid config of a class; of any of its components, if it is the base of a kind.

    Parameters
    ----------
    cls
        A config class, or the base of a kind (`ArrayConfig`).
    depth
        How far components are nested in each other.
    """
    if Config in cls.__bases__ and cls.kind in ROOMS:
        concrete = [config_class(name, cls.kind) for name in component_names(cls.kind)]
        chosen = concrete if depth > 0 else [one for one in concrete if not _nests(one, cls)]
        return draw(configs(draw(st.sampled_from(chosen)), depth=depth - 1))
    if cls is CNNectomeUNetConfig:
        return draw(_unets())
    hints = typing.get_type_hints(cls)
    drawn = {
        attribute.alias or attribute.name: _field(attribute, hints[attribute.name], depth) for attribute in fields(cls)
    }
    for _ in range(_TRIES):
        try:
            return cls(**{name: draw(strategy) for name, strategy in drawn.items()})
        except ConfigError:
            continue  # fields that do not fit each other are drawn anew
    return reject()


@st.composite
def _unets(draw: st.DrawFn) -> CNNectomeUNetConfig:
    """Draw U-Nets whose shapes fit: with padding, any multiple of the factors does."""
    dims, levels = draw(st.integers(2, 3)), draw(st.integers(1, 3))
    return CNNectomeUNetConfig(
        name=draw(_TEXTS),
        input_shape=Coordinate([2**levels * draw(st.integers(1, 4)) for _ in range(dims)]),
        fmaps_in=draw(st.integers(1, 3)),
        fmaps_out=draw(st.integers(1, 64)),
        num_fmaps=draw(st.integers(1, 64)),
        fmap_inc_factor=draw(st.integers(1, 5)),
        downsample_factors=(Coordinate((2,) * dims),) * levels,
        padding="same",
        constant_upsample=draw(st.booleans()),
        use_attention=draw(st.booleans()),
        batch_norm=draw(st.booleans()),
    )


def _nests(cls: type[Config], kind: type[Config]) -> bool:
    return any(kind in _types_in(hint) for hint in typing.get_type_hints(cls).values())


def _types_in(hint: Any) -> set[Any]:
    return {hint}.union(*(_types_in(argument) for argument in get_args(hint)))


def _field(attribute: "attrs.Attribute[Any]", hint: Any, depth: int) -> st.SearchStrategy[Any]:
    if attribute.name == "name":
        return _NAMES
    drawn = _of_type(hint, depth)
    check = attribute.metadata.get("check") or (lambda _: None)
    if check in (positive, not_negative):
        drawn = drawn.map(_above_zero)
    if attribute.default is attrs.NOTHING:
        return drawn.filter(lambda value: value is None or check(value) is None)
    # hypothesis gives up where a filter rejects too often: the default stands in for what is no valid value
    factory = getattr(attribute.default, "factory", lambda: attribute.default)
    return st.builds(factory) | drawn.map(lambda value: value if value is None or not check(value) else factory())


def _above_zero(value: Any) -> Any:
    """Return numbers, and those in tuples, as numbers above 0."""
    if type(value) is tuple:
        return tuple(map(_above_zero, value))
    return (abs(value) or 1) if type(value) in (int, float) else value


def _of_type(hint: Any, depth: int) -> st.SearchStrategy[Any]:
    origin, arguments = get_origin(hint), get_args(hint)
    if hint == Length:
        return st.floats(0.125, 2**12, width=32) | st.integers(1, 1000).map(lambda number: f"{number} nm")
    if origin in (typing.Union, UnionType):
        return st.one_of([_of_type(argument, depth) for argument in arguments])
    if origin is typing.Literal:
        return st.sampled_from(arguments)
    if origin is tuple and arguments[-1] is ...:
        return st.lists(_of_type(arguments[0], depth), max_size=3).map(tuple)
    if origin is tuple:
        return st.tuples(*(_of_type(argument, depth) for argument in arguments))
    if origin is dict:
        return st.dictionaries(_of_type(arguments[0], depth), _of_type(arguments[1], depth), max_size=2)
    if isinstance(hint, type) and issubclass(hint, Config):
        return configs(hint, depth=depth)
    return _PLAIN[hint]


_COORDINATES = st.lists(st.integers(1, 64), min_size=1, max_size=3).map(Coordinate)
_PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    bool: st.booleans(),
    int: st.integers(-1000, 1000),
    float: _FLOATS,
    str: _TEXTS,
    type(None): st.none(),
    Coordinate: _COORDINATES,
    Roi: _COORDINATES.map(lambda shape: Roi((0,) * len(shape), shape)),
    UPath: st.sampled_from(["/data/a.zarr", "b.tif", "s3://bucket/c.zarr"]).map(UPath),
}
