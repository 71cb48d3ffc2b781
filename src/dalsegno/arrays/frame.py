"""Where voxels lie in the world: what the config says, else the header, else what is usual."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from attrs import field, frozen
from funlib.geometry import Coordinate, Roi

from dalsegno.errors import DataError
from dalsegno.sources import Geometry
from dalsegno.units import canonical, coarsest_whole_unit, factor, whole

__all__ = ["Frame", "find_frame", "stated"]

_USUAL_AXES = {1: ("x",), 2: ("y", "x"), 3: ("z", "y", "x"), 4: ("c", "z", "y", "x")}


@frozen
class Frame:
    """The place of stored voxels in the world.

    Attributes
    ----------
    axes
        Names of the axes as stored.
    voxel_size, offset
        Per spatial axis, in `units`; the offset is the lower corner of the first voxel.
    units
        Short name of the unit.
    origins
        Where each value comes from: ``"config"``, the convention of the header (``"OME-Zarr 0.5"``), or ``"default"``.
    """

    axes: tuple[str, ...]
    voxel_size: Coordinate
    offset: Coordinate
    units: str
    origins: dict[str, str] = field(factory=dict, eq=False)

    def roi(self, shape: Sequence[int]) -> Roi:
        """Return the region of an array of the shape (voxels, axes as stored)."""
        spatial = Coordinate(size for size, axis in zip(shape, self.axes, strict=True) if axis != "c")
        return Roi(self.offset, spatial * self.voxel_size)


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


def find_frame(shape: Sequence[int], given: Geometry, header: Geometry, *, what: str, unitless: bool = False) -> Frame:
    """Join what the config gives with what the header knows.

    Parameters
    ----------
    shape
        Voxels per axis, as stored.
    given
        Values of the config. They win; fractions in them are errors.
    header
        Values of the header. Fractions in them choose a finer unit where the config gives none.
    what
        Names the array in messages.
    unitless
        Whether voxel sizes without any unit are taken as they are, with the unit ``"voxel"``.

    Raises
    ------
    DataError
        If axes, shape and numbers don't fit each other, or a voxel size has no unit.
    ConfigError
        If a number is not whole in the unit; the message names the unit in which it is.
    """
    origins = {name: _origin(name, given, header) for name in ("axes", "voxel_size", "offset", "units")}
    axes = given.axes or header.axes or _USUAL_AXES.get(len(shape), ())
    _check_axes(axes, shape, what)
    dims = len(axes) - axes.count("c")
    units = _units(given, header, unitless, what)
    sizes = _numbers("voxel_size", given, header, units) or (Decimal(1),) * dims
    offset = _numbers("offset", given, header, units) or (Decimal(0),) * dims
    for name, numbers in (("voxel_size", sizes), ("offset", offset)):
        if len(numbers) != dims:
            raise DataError(
                f"{what}: {name} ({origins[name]}) has {len(numbers)} numbers, but there are {dims} spatial axes of "
                f"{axes}; correct `{name}` or `axes`"
            )
    if min(sizes) <= 0:
        raise DataError(
            f"{what}: voxel_size {_shown(sizes)} ({origins['voxel_size']}) must be above 0; set `voxel_size`"
        )
    finer = coarsest_whole_unit([*sizes, *offset], units)
    if finer not in (None, units) and "config" not in (origins["units"], origins["voxel_size"], origins["offset"]):
        sizes, offset, units = _converted(sizes, units, finer), _converted(offset, units, finer), finer
    return Frame(
        axes,
        Coordinate(whole(list(sizes), units, "voxel_size")),
        Coordinate(whole(list(offset), units, "offset")),
        units,
        origins,
    )


def _origin(name: str, given: Geometry, header: Geometry) -> str:
    if getattr(given, name) is not None:
        return "config"
    return "default" if getattr(header, name) is None else header.convention


def _check_axes(axes: tuple[str, ...], shape: Sequence[int], what: str) -> None:
    if len(axes) != len(shape):
        shown = f"axes {list(axes)}" if axes else "no names of its axes"
        raise DataError(
            f"{what} has shape {tuple(shape)} and {shown}: one name is needed per axis, in the order of the shape; set "
            "`axes`, such as [c, z, y, x]"
        )
    if len(set(axes)) != len(axes) or not all(axes):
        raise DataError(f"{what} has axes {list(axes)}, but each axis needs a name of its own; correct `axes`")
    if set(axes) == {"c"}:
        raise DataError(f"{what} has no spatial axis, only channels; correct `axes`")


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


def _numbers(name: str, given: Geometry, header: Geometry, units: str) -> tuple[Decimal, ...] | None:
    own: tuple[Decimal, ...] | None = getattr(given, name)
    stored: tuple[Decimal, ...] | None = getattr(header, name)
    if own is not None or stored is None:
        return own
    return _converted(stored, header.units or units, units)


def _converted(numbers: tuple[Decimal, ...], units: str, wanted: str) -> tuple[Decimal, ...]:
    if units == wanted:
        return numbers
    exact = [Fraction(number) * factor(units, wanted) for number in numbers]
    return tuple(Decimal(number.numerator) / Decimal(number.denominator) for number in exact)


def _shown(numbers: tuple[Decimal, ...]) -> str:
    return "(" + ", ".join(map(str, numbers)) + ")"
