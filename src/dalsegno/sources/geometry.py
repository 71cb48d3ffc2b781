"""What a file's header knows about the place and size of its voxels."""

import math
from collections.abc import Sequence
from decimal import Context, Decimal, Inexact, localcontext
from fractions import Fraction

from attrs import field, frozen

from dalsegno.errors import ConfigError, DataError
from dalsegno.units import canonical, factor

__all__ = ["NOT_SPATIAL", "Geometry", "axis_name", "exact_decimal", "in_one_unit", "known_unit", "short_decimal"]

NOT_SPATIAL = ("c", "t", "s")
"""Names of axes that have neither voxel size nor offset: channels, time, samples (of a color)."""

_AXIS_NAMES = {"channel": "c", "channels": "c", "time": "t"}


@frozen
class Geometry:
    """The geometry that a header tells; None where it does not.

    Attributes
    ----------
    axes
        One name per axis of the array, as stored: ``"c"`` for channels, ``"t"`` for time, ``"s"`` for samples, else
        spatial.
    voxel_size
        Per spatial axis, in `units`, exactly as written down.
    offset
        World position of the array's lower corner, per spatial axis, in `units`.
    units
        Short name of the unit, ``"nm"``.
    channels
        Names of the channels.
    convention
        What the values were read from, ``"OME-Zarr 0.5"``; shown to users who ask where they come from.
    alongside
        Voxel sizes and offsets of the image's other levels, in `units`: where a finer unit is chosen, it is one that
        holds these too, so that all levels have the same.
    """

    axes: tuple[str, ...] | None = None
    voxel_size: tuple[Decimal, ...] | None = None
    offset: tuple[Decimal, ...] | None = None
    units: str | None = None
    channels: tuple[str, ...] | None = None
    convention: str = "header"
    alongside: tuple[Decimal, ...] = field(default=(), eq=False)


def known_unit(text: object) -> str | None:
    """Return the short name of a unit, or None if the header's text is none."""
    if not isinstance(text, str) or not text.strip():
        return None
    try:
        return canonical(text)
    except ConfigError:
        return None


def short_decimal(number: float) -> Decimal | None:
    """Return the decimal number of six digits that a header's rational or binary number stands for."""
    return Decimal(f"{number:.6g}") if math.isfinite(number) else None


def axis_name(name: str, kind: object = None) -> str:
    """Return the name of an axis as it is used here.

    Parameters
    ----------
    name
        Name in the header; a trailing ``"^"`` marks what is not spatial.
    kind
        Its type in the header: ``"space"``, ``"channel"``, ``"time"``, or None where that is not said.
    """
    bare = name.removesuffix("^")
    bare = bare.lower() if len(bare) == 1 else bare
    if isinstance(kind, str) and kind in _AXIS_NAMES:
        return _AXIS_NAMES[kind]
    if name != bare and name.endswith("^") and bare.startswith("c"):
        return "c"
    return _AXIS_NAMES.get(bare.lower(), bare)


def exact_decimal(number: Fraction) -> Decimal:
    """Return a sum or product of decimal numbers as a decimal number, with all of its digits."""
    with localcontext(Context(prec=20_000, traps=[Inexact])):
        return Decimal(number.numerator) / Decimal(number.denominator)


def in_one_unit(
    units: Sequence[str | None], numbers: Sequence[Sequence[Decimal] | None], *, what: str
) -> tuple[str | None, list[tuple[Decimal, ...] | None]]:
    """Express lengths whose axes have units of their own in the finest of these, exactly.

    Parameters
    ----------
    units
        One per spatial axis, as written down.
    numbers
        Lists with one number per spatial axis; None where there is none.
    what
        Names the file in messages.

    Returns
    -------
    tuple
        Short name of the unit, None if one is unknown; and the lists in that unit.

    Raises
    ------
    DataError
        If the axes have different units, and one of them is no known unit of length.
    """
    as_given = [None if one is None else tuple(one) for one in numbers]
    known = [known_unit(unit) for unit in units]
    if len({known_unit(unit) for unit in units if unit}) <= 1:
        return next((unit for unit in known if unit), None), as_given
    if None in known or "voxel" in known:
        raise DataError(
            f"{what}: the axes have the units {list(units)}, which can't be converted into one; correct them there"
        )
    finest = min((unit for unit in known if unit), key=lambda unit: factor(unit, "m"))
    by = [factor(unit or "", finest) for unit in known]
    return finest, [
        None
        if one is None
        else tuple(exact_decimal(Fraction(number) * size) for number, size in zip(one, by, strict=True))
        for one in as_given
    ]
