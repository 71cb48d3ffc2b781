"""What a file's header knows about the place and size of its voxels."""

import math
from decimal import Decimal

from attrs import frozen

from dalsegno.errors import ConfigError
from dalsegno.units import canonical

__all__ = ["Geometry", "known_unit", "short_decimal"]


@frozen
class Geometry:
    """The geometry that a header tells; None where it does not.

    Attributes
    ----------
    axes
        One name per axis of the array, as stored: ``"c"`` for channels, else spatial.
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
    """

    axes: tuple[str, ...] | None = None
    voxel_size: tuple[Decimal, ...] | None = None
    offset: tuple[Decimal, ...] | None = None
    units: str | None = None
    channels: tuple[str, ...] | None = None
    convention: str = "header"


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
