"""Where voxels lie in the world: what the config says, else the header, else what is usual."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from attrs import field, frozen
from funlib.geometry import Coordinate, Roi

from dalsegno.errors import ConfigError, DataError
from dalsegno.sources import Geometry
from dalsegno.sources.geometry import NOT_SPATIAL, exact_decimal
from dalsegno.units import canonical, coarsest_whole_unit, factor, whole

__all__ = ["Frame", "check_axes", "find_frame", "stated"]

_USUAL_AXES = {1: ("x",), 2: ("y", "x"), 3: ("z", "y", "x"), 4: ("c", "z", "y", "x")}


@frozen
class Frame:
    """The place of stored voxels in the world.

    Attributes
    ----------
    axes
        Names of the axes as stored.
    voxel_size, offset
        Per spatial axis that is shown, in `units`; the offset is the lower corner of the first voxel.
    units
        Short name of the unit.
    origins
        Where each value comes from: ``"config"``, the convention of the header (``"OME-Zarr 0.5"``), or ``"default"``.
    selected
        The position on each axis that is not shown.
    channels
        Names of the channels, where they are known.
    """

    axes: tuple[str, ...]
    voxel_size: Coordinate
    offset: Coordinate
    units: str
    origins: dict[str, str] = field(factory=dict, eq=False)
    selected: dict[str, int] = field(factory=dict)
    channels: tuple[str, ...] | None = None

    @property
    def shown(self) -> list[str]:
        """Names of the axes that are shown, as stored."""
        return [axis for axis in self.axes if axis not in self.selected]

    def roi(self, shape: Sequence[int]) -> Roi:
        """Return the region of an array of the shape (voxels, axes as stored)."""
        sizes = dict(zip(self.axes, shape, strict=True))
        return Roi(self.offset, Coordinate(sizes[axis] for axis in self.shown if axis != "c") * self.voxel_size)


def stated(array_config: Any) -> Geometry:
    """Return what a config with the fields `axes`, `voxel_size`, `offset` and `units` says, exactly."""
    return Geometry(
        axes=array_config.axes,
        voxel_size=_decimals(array_config.voxel_size),
        offset=_decimals(array_config.offset),
        units=array_config.units,
    )


def _decimals(numbers: tuple[float, ...] | None) -> tuple[Decimal, ...] | None:
    return None if numbers is None else tuple(Decimal(str(number)) for number in numbers)


def find_frame(
    shape: Sequence[int],
    given: Geometry,
    header: Geometry,
    *,
    what: str,
    select: Mapping[str, int] | None = None,
    unitless: bool = False,
) -> Frame:
    """Join what the config gives with what the header knows.

    Parameters
    ----------
    shape
        Voxels per axis, as stored.
    given
        Values of the config, for the axes that are shown. They win; fractions in them are errors.
    header
        Values of the header. Fractions in them choose a finer unit where the config gives none.
    what
        Names the array in messages.
    select
        The position on each axis that is not to be shown. Time and samples of length 1 need none.
    unitless
        Whether voxel sizes without any unit are taken as they are, with the unit ``"voxel"``.

    Raises
    ------
    DataError
        If axes, shape and numbers don't fit each other, a voxel size has no unit, or an axis of time or samples is
        longer than 1 and no position on it is selected.
    ConfigError
        If a number is not whole in the unit; the message names the unit in which it is.
    """
    origins = {name: _origin(name, given, header) for name in ("axes", "voxel_size", "offset", "units")}
    axes = given.axes or header.axes or _USUAL_AXES.get(len(shape), ())
    check_axes(axes, shape, what)
    selected = _selected(axes, shape, select or {}, what)
    spatial = [axis for axis in axes if axis not in (*selected, "c")]
    if not spatial:
        raise DataError(f"{what} shows no spatial axis of {list(axes)}; correct `axes` or `select`")
    units = _units(given, header, unitless, what)
    sizes = _numbers("voxel_size", given, header, axes, spatial, units) or (Decimal(1),) * len(spatial)
    offset = _numbers("offset", given, header, axes, spatial, units) or (Decimal(0),) * len(spatial)
    for name, numbers in (("voxel_size", sizes), ("offset", offset)):
        if len(numbers) != len(spatial):
            raise DataError(
                f"{what}: {name} ({origins[name]}) has {len(numbers)} numbers, but there are {len(spatial)} spatial "
                f"axes of {axes}; correct `{name}` or `axes`"
            )
    if min(sizes) <= 0:
        raise DataError(
            f"{what}: voxel_size {_shown(sizes)} ({origins['voxel_size']}) must be above 0; set `voxel_size`"
        )
    others = _converted(header.alongside, header.units or units, units) if header.voxel_size else ()
    finer = coarsest_whole_unit([*sizes, *offset, *others], units) or coarsest_whole_unit([*sizes, *offset], units)
    if finer not in (None, units) and "config" not in (origins["units"], origins["voxel_size"], origins["offset"]):
        sizes, offset, units = _converted(sizes, units, finer), _converted(offset, units, finer), finer
    return Frame(
        axes,
        _whole(sizes, units, "voxel_size", what),
        _whole(offset, units, "offset", what),
        units,
        origins,
        selected,
        _channels(axes, selected, shape, header),
    )


def _origin(name: str, given: Geometry, header: Geometry) -> str:
    if getattr(given, name) is not None:
        return "config"
    return "default" if getattr(header, name) is None else header.convention


def check_axes(axes: Sequence[str], shape: Sequence[int], what: str) -> None:
    """Check that there is one name for each axis of a shape, and no name twice.

    Raises
    ------
    DataError
        If not; the message names the array as `what`.
    """
    if len(axes) != len(shape):
        shown = f"axes {list(axes)}" if axes else "no names of its axes"
        raise DataError(
            f"{what} has shape {tuple(shape)} and {shown}: one name is needed per axis, in the order of the shape; set "
            "`axes`, such as [c, z, y, x]"
        )
    if len(set(axes)) != len(axes) or not all(axes):
        raise DataError(f"{what} has axes {list(axes)}, but each axis needs a name of its own; correct `axes`")


def _selected(axes: tuple[str, ...], shape: Sequence[int], select: Mapping[str, int], what: str) -> dict[str, int]:
    """Return the position on each axis that is not shown: those of the config, and 0 on short axes of time."""
    lengths = dict(zip(axes, shape, strict=True))
    for axis, position in select.items():
        if axis not in lengths:
            raise DataError(f"{what} has axes {list(axes)}, and `select` names {axis!r}; name one of them")
        if not 0 <= position < lengths[axis]:
            raise DataError(
                f"{what}: `select` says {axis}: {position}, but the axis {axis!r} has length {lengths[axis]}; choose "
                f"from 0 to {lengths[axis] - 1}"
            )
    unshown = [axis for axis in axes if axis in NOT_SPATIAL and axis != "c" and axis not in select]
    for axis in unshown:
        if lengths[axis] != 1:
            raise DataError(
                f"{what}: the axis {axis!r} of {list(axes)} has length {lengths[axis]}, and one position on it is "
                f"shown at a time; choose it with `select`, such as {{{axis}: 0}}"
            )
    return dict.fromkeys(unshown, 0) | dict(select)


def _channels(
    axes: tuple[str, ...], selected: Mapping[str, int], shape: Sequence[int], header: Geometry
) -> tuple[str, ...] | None:
    names = header.channels
    known = "c" in axes and "c" not in selected and names is not None and len(names) == shape[axes.index("c")]
    return names if known else None


def _units(given: Geometry, header: Geometry, unitless: bool, what: str) -> str:
    sizes = given.voxel_size or header.voxel_size
    units = given.units or header.units
    if units is None and sizes is not None and not unitless:
        raise DataError(
            f"{what} has voxels of {_shown(sizes)}, but neither config nor file says in which unit; set `units` "
            "(nm, um, mm, …)"
        )
    units = canonical(units or "voxel")
    if sizes is None and units != "voxel":
        raise DataError(f"{what} is in {units}, but no one says how large its voxels are; set `voxel_size`")
    return units


def _numbers(
    name: str, given: Geometry, header: Geometry, axes: tuple[str, ...], spatial: list[str], units: str
) -> tuple[Decimal, ...] | None:
    """Return one number for each of the axes `spatial`."""
    own: tuple[Decimal, ...] | None = getattr(given, name)
    stored: tuple[Decimal, ...] | None = getattr(header, name)
    if own is not None or stored is None:
        return own
    return _converted(_of_axes(spatial, stored, header.axes or axes, axes), header.units or units, units)


def _of_axes(
    wanted: list[str], numbers: tuple[Decimal, ...], known: tuple[str, ...], axes: tuple[str, ...]
) -> tuple[Decimal, ...]:
    """Return the header's numbers of some axes: by the names that the header knows, else in the order of `axes`."""
    for names in (known, axes):
        spatial = [axis for axis in names if axis not in NOT_SPATIAL]
        if len(spatial) == len(numbers) and set(wanted) <= set(spatial):
            number_of = dict(zip(spatial, numbers, strict=True))
            return tuple(number_of[axis] for axis in wanted)
    return numbers


def _whole(numbers: tuple[Decimal, ...], units: str, name: str, what: str) -> Coordinate:
    try:
        return Coordinate(whole(list(numbers), units, name))
    except ConfigError as error:
        raise ConfigError(f"{what}: {error}") from None


def _converted(numbers: tuple[Decimal, ...], units: str, wanted: str) -> tuple[Decimal, ...]:
    if units == wanted:
        return numbers
    return tuple(exact_decimal(Fraction(number) * factor(units, wanted)) for number in numbers)


def _shown(numbers: tuple[Decimal, ...]) -> str:
    return "(" + ", ".join(map(str, numbers)) + ")"
