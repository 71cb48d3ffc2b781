"""The geometry that an array's plain attributes tell, in the conventions that are met in zarr, N5 and HDF5."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from itertools import zip_longest
from typing import Any

import numpy as np
from attrs import evolve, frozen

from dalsegno.sources.geometry import NOT_SPATIAL, Geometry, axis_name, exact_decimal, in_one_unit, known_unit

__all__ = ["geometry_from_attributes"]

Attributes = Mapping[str, Any]
Numbers = tuple[Decimal, ...] | None


@frozen
class _Told:
    """What one convention tells; lists in the order of the array's axes."""

    convention: str
    axes: tuple[str, ...] | None = None
    voxel_size: Numbers = None
    offset: Numbers = None
    units: tuple[str | None, ...] = ()


def geometry_from_attributes(
    attributes: Attributes,
    ndim: int,
    *,
    parent: Attributes | None = None,
    dimension_names: Sequence[str | None] | None = None,
    reverse: bool = False,
    what: str = "the array",
) -> Geometry:
    """Read the geometry of an array from its attributes.

    Known are funlib's ``offset``, ``voxel_size`` or ``resolution``, ``axis_names`` or ``axes``, ``types``, ``units``
    and ``channels``; COSEM's ``transform``; ``pixelResolution``; ``element_size_um``; ``downsamplingFactors``;
    and ``_ARRAY_DIMENSIONS``. The first that gives a voxel size wins, the others fill what it leaves open. Attributes
    that are no lists of numbers or texts are not used.

    Parameters
    ----------
    attributes
        Of the array: plain values as JSON has them, or numpy's as HDF5 has them.
    ndim
        Number of axes of the array.
    parent
        Attributes of the group around the array; its resolution counts where the array has
        ``downsamplingFactors`` but no voxel size.
    dimension_names
        The format's own names of the axes, which count where no attribute names them.
    reverse
        Whether lists are written x first, as in N5; lists that say they are not stay as they are.
    what
        Names the array in messages.

    Raises
    ------
    DataError
        If the axes have units of their own that can't be converted into one.
    """
    told = [one for read in _CONVENTIONS if (one := read(attributes, reverse)) is not None]
    told += _names("dimension_names", dimension_names)
    if not any(one.voxel_size for one in told) and parent is not None and "downsamplingFactors" in attributes:
        told.insert(0, _downsampled(attributes, parent, reverse))
    main = next((one for one in told if one.voxel_size), None) or next((one for one in told if one.offset), None)
    axes = next((one.axes for one in told if one.axes is not None and len(one.axes) == ndim), None)
    if main is None:
        main = next((one for one in told if one.axes is not None and one.axes == axes), _Told("header"))
    placed = main if main.offset else next((one for one in told if one.offset), main)
    unit, (size, offset) = _in_one_unit(axes, main.units or placed.units, main.voxel_size, placed.offset, what)
    return Geometry(axes, size, offset, unit, _channels(attributes.get("channels")), main.convention)


def _in_one_unit(
    axes: tuple[str, ...] | None, units: tuple[str | None, ...], size: Numbers, offset: Numbers, what: str
) -> tuple[str | None, list[Numbers]]:
    size, offset = _spatial(size, axes), _spatial(offset, axes)
    units = _spatial(units, axes) or ()
    same = {known_unit(unit) for unit in units if unit}
    if len(same) <= 1:
        return next(iter(same), None), [size, offset]
    if {len(one) for one in (size, offset) if one} != {len(units)}:
        return None, [size, offset]  # lists that don't fit each other are refused where they are used
    return in_one_unit(units, [size, offset], what=what)


def _spatial(values: Any, axes: tuple[str, ...] | None) -> Any:
    """Return what belongs to the spatial axes; some writers give a value for channels and time too."""
    if not values:
        return None
    if axes is not None and len(values) == len(axes):
        return tuple(value for value, axis in zip(values, axes, strict=True) if axis not in NOT_SPATIAL)
    if axes is not None and len(values) == sum(axis != "c" for axis in axes):
        rest = [axis for axis in axes if axis != "c"]
        return tuple(value for value, axis in zip(values, rest, strict=True) if axis not in NOT_SPATIAL)
    return values


def _funlib(attributes: Attributes, reverse: bool) -> _Told | None:
    names = _texts(attributes.get("axis_names", attributes.get("axes")))
    kinds = _texts(attributes.get("types")) or ()
    order = _order(names, reverse)
    told = _Told(
        "funlib attributes",
        _axes(names, kinds if names and len(kinds) == len(names) else ()),
        _numbers(attributes.get("voxel_size", attributes.get("resolution"))),
        _numbers(attributes.get("offset")),
        _units(attributes.get("units")),
    )
    return order(told) if told.axes or told.voxel_size or told.offset else None


def _cosem(attributes: Attributes, reverse: bool) -> _Told | None:
    transform = attributes.get("transform")
    if not isinstance(transform, Mapping):
        return None
    names = _texts(transform.get("axes"))
    order = transform.get("order", transform.get("ordering"))
    told = _Told(
        "COSEM attributes",
        _axes(names),
        _numbers(transform.get("scale")),
        _numbers(transform.get("translate")),
        _units(transform.get("units")),
    )
    return {"C": _kept, "F": _reversed}.get(str(order), _order(names, reverse))(told)


def _pixel_resolution(attributes: Attributes, reverse: bool) -> _Told | None:  # noqa: ARG001 - always x first
    given = attributes.get("pixelResolution")
    dimensions, unit = (given.get("dimensions"), given.get("unit")) if isinstance(given, Mapping) else (given, None)
    size = _numbers(dimensions)
    if size is None:
        return None
    size = _times(size, _numbers(attributes.get("downsamplingFactors")))
    return _reversed(_Told("pixelResolution", voxel_size=size, units=_units(unit)))


def _element_size(attributes: Attributes, reverse: bool) -> _Told | None:  # noqa: ARG001 - always z first
    size = _numbers(attributes.get("element_size_um"))
    return None if size is None else _Told("element_size_um", voxel_size=size, units=("um",))


def _xarray(attributes: Attributes, reverse: bool) -> _Told | None:  # noqa: ARG001 - always as stored
    return next(iter(_names("_ARRAY_DIMENSIONS", attributes.get("_ARRAY_DIMENSIONS"))), None)


_CONVENTIONS: tuple[Callable[[Attributes, bool], _Told | None], ...] = (
    _cosem,
    _funlib,
    _pixel_resolution,
    _element_size,
    _xarray,
)


def _downsampled(attributes: Attributes, parent: Attributes, reverse: bool) -> _Told:
    """Tell the voxel size of a level; its corner is that of the finest."""
    told = [one for read in _CONVENTIONS if (one := read(parent, reverse)) is not None and one.voxel_size]
    factors = _numbers(attributes["downsamplingFactors"])
    if not told or factors is None:
        return _Told("header")
    told[0] = evolve(told[0], convention=f"{told[0].convention} and downsamplingFactors")
    return evolve(told[0], voxel_size=_times(told[0].voxel_size or (), factors[::-1]))


def _times(numbers: tuple[Decimal, ...], factors: Numbers) -> tuple[Decimal, ...]:
    if factors is None or len(factors) != len(numbers):
        return numbers
    return tuple(exact_decimal(Fraction(a) * Fraction(b)) for a, b in zip(numbers, factors, strict=True))


def _order(names: tuple[str, ...] | None, reverse: bool) -> Callable[[_Told], _Told]:
    # axes that are named z first are written z first, whatever is usual for the format
    z_first = names is not None and names[-1:] == ("x",) and len(names) > 1
    return _reversed if reverse and not z_first else _kept


def _kept(told: _Told) -> _Told:
    return told


def _reversed(told: _Told) -> _Told:
    return _Told(
        told.convention,
        told.axes and told.axes[::-1],
        told.voxel_size and told.voxel_size[::-1],
        told.offset and told.offset[::-1],
        told.units[::-1],
    )


def _names(convention: str, names: Any) -> list[_Told]:
    axes = _axes(_texts(names))
    return [] if axes is None else [_Told(convention, axes)]


def _axes(names: tuple[str, ...] | None, kinds: Sequence[str] = ()) -> tuple[str, ...] | None:
    if not names:
        return None
    return tuple(axis_name(name, kind) for name, kind in zip_longest(names, kinds))


def _texts(values: Any) -> tuple[str, ...] | None:
    if not isinstance(values, (str, list, tuple)) and not _is_row(values):
        return None
    texts = [text.decode(errors="replace") if isinstance(text, bytes) else text for text in values]
    return tuple(map(str, texts)) if texts and all(isinstance(text, str) for text in texts) else None


def _units(values: Any) -> tuple[str | None, ...]:
    if isinstance(values, bytes):
        values = values.decode(errors="replace")
    if isinstance(values, str):
        return (values,)
    if isinstance(values, list):  # None stands at channels
        values = [text or "" for text in values]
    return _texts(values) or ()


def _numbers(values: Any) -> Numbers:
    if not isinstance(values, (list, tuple)) and not _is_row(values):
        return None
    if any(isinstance(value, (bool, np.bool_)) for value in values):
        return None
    try:
        numbers = tuple(Decimal(str(value)) for value in values)
    except InvalidOperation:
        return None
    return numbers if numbers and all(number.is_finite() for number in numbers) else None


def _channels(names: Any) -> tuple[str, ...] | None:
    return None if isinstance(names, str) else _texts(names)


def _is_row(values: Any) -> bool:
    return isinstance(values, np.ndarray) and values.ndim == 1
