"""Physical lengths and the units they are written in.

World coordinates are whole numbers of one base unit per array. A length in a config is a number in
that unit, or carries its own: ``40``, ``"40 nm"``, ``"0.5 um"``.
"""

import re
from decimal import Decimal, InvalidOperation
from fractions import Fraction

from dalsegno.errors import ConfigError

__all__ = ["NAMES", "Length", "canonical", "coarsest_whole_unit", "is_longer", "length_in", "positive_length", "whole"]

Length = float | str
"""A number in the array's unit, or a text with its own: ``"40 nm"``."""

NAMES = {
    "m": "meter",
    "cm": "centimeter",
    "mm": "millimeter",
    "um": "micrometer",
    "nm": "nanometer",
    "angstrom": "angstrom",
    "pm": "picometer",
    "fm": "femtometer",
    "am": "attometer",
    "zm": "zeptometer",
    "voxel": "voxel",
}
"""Short name of each unit -> its UDUNITS-2 name."""

_EXPONENT = {
    "m": 0,
    "cm": -2,
    "mm": -3,
    "um": -6,
    "nm": -9,
    "angstrom": -10,
    "pm": -12,
    "fm": -15,
    "am": -18,
    "zm": -21,
}
_ALIASES = {long: short for short, long in NAMES.items()} | {
    "µm": "um",
    "μm": "um",
    "micron": "um",
    "microns": "um",
    "a": "angstrom",
    "å": "angstrom",
    "ångström": "angstrom",
    "metre": "m",
    "millimetre": "mm",
    "micrometre": "um",
    "nanometre": "nm",
    "picometre": "pm",
    "femtometre": "fm",
    "attometre": "am",
    "zeptometre": "zm",
    "voxels": "voxel",
    "pixel": "voxel",
    "px": "voxel",
    "": "voxel",
}


def canonical(unit: str) -> str:
    """Return the short name of a unit: ``"nanometer"``, ``"NM"`` and ``"nm"`` are all ``"nm"``.

    Raises
    ------
    ConfigError
        If the unit is not known.
    """
    lower = unit.strip().lower()
    if lower in NAMES:
        return lower
    if lower.removesuffix("s") in _ALIASES:
        return _ALIASES[lower.removesuffix("s")]
    if lower in _ALIASES:
        return _ALIASES[lower]
    raise ConfigError(f"unknown unit {unit!r}; write one of {', '.join(NAMES)}")


def factor(given: str, wanted: str) -> Fraction:
    """Return how many units `wanted` one unit `given` is, exactly."""
    given, wanted = canonical(given), canonical(wanted)
    if given == wanted:
        return Fraction(1)
    if "voxel" in (given, wanted):
        raise ConfigError(f"can't convert {given} to {wanted}: give the array physical units with `units:`")
    return Fraction(10) ** (_EXPONENT[given] - _EXPONENT[wanted])


def length_in(length: Length, unit: str) -> float:
    """Return a length as a number of `unit`.

    Parameters
    ----------
    length
        A number, taken as already in `unit`, or a text such as ``"40 nm"``.
    unit
        The unit of the array that the length is compared with.

    Raises
    ------
    ConfigError
        If the text is not a number followed by a known unit.
    """
    number, given = _number_and_unit(length)
    return float(number if given is None else number * factor(given, unit))


def _number_and_unit(length: Length) -> tuple[float | Fraction, str | None]:
    """Return a length without its unit, exactly if it is written as text, and the short name of that; None for none."""
    if not isinstance(length, str):
        return float(length), None
    match = re.fullmatch(r"\s*([-+0-9.eE]+)\s*([^\d\s.+-].*?)?\s*", length)
    try:
        number = Fraction(Decimal(match[1])) if match else None
    except InvalidOperation:
        number = None
    if match is None or number is None:
        raise ConfigError(f"{length!r} is not a length; write a number or a number with its unit, such as '40 nm'")
    return number, canonical(match[2]) if match[2] else None


def positive_length(value: Length) -> str | None:
    """Check that a length, with or without its unit, can be read and is above zero."""
    problem = ""
    for unit in ("nm", "voxel"):
        try:
            return None if length_in(value, unit) > 0 else f"must be above 0, got {value}"
        except ConfigError as error:
            problem = str(error)
    return problem


def is_longer(length: Length, other: Length) -> bool:
    """Return whether a length is above another one; False where that depends on the array that they are used with.

    Raises
    ------
    ConfigError
        If a text is not a number followed by a known unit.
    """
    (number, unit), (other_number, other_unit) = _number_and_unit(length), _number_and_unit(other)
    if unit is None or other_unit is None:
        return unit == other_unit and number > other_number
    if "voxel" in (unit, other_unit) and unit != other_unit:
        return False
    return number * factor(unit, other_unit) > other_number


def whole(numbers: list[Decimal], unit: str, what: str) -> list[int]:
    """Return the numbers as integers.

    Raises
    ------
    ConfigError
        If one has a fraction; the message names the unit in which all are whole.
    """
    if all(number == number.to_integral_value() for number in numbers):
        return [int(number) for number in numbers]
    finer = coarsest_whole_unit(numbers, unit)
    shown = ", ".join(str(number) for number in numbers)
    if finer is not None:
        advice = f"use the unit in which they are: {what}: [{_in_unit(numbers, unit, finer)}], units: {finer}"
    elif unit == "voxel":
        advice = f"say how large voxels are: {what} and units, such as nm"
    else:
        advice = f"choose one that is, such as {what}: [{_in_unit(numbers, unit, 'pm')}], units: pm"
    raise ConfigError(f"{what} [{shown}] {unit} is not whole, and world coordinates are whole numbers; {advice}")


def _in_unit(numbers: list[Decimal], unit: str, wanted: str) -> str:
    return ", ".join(str(round(Fraction(number) * factor(unit, wanted))) for number in numbers)


def coarsest_whole_unit(numbers: list[Decimal], unit: str) -> str | None:
    """Return the unit itself if all numbers are whole in it, else the coarsest finer one in which they are."""
    unit = canonical(unit)
    if all(number == number.to_integral_value() for number in numbers):
        return unit
    if unit == "voxel":
        return None
    for finer in ("m", "mm", "um", "nm", "pm", "fm", "am", "zm"):
        if _EXPONENT[finer] < _EXPONENT[unit]:
            scaled = [Fraction(number) * factor(unit, finer) for number in numbers]
            if all(number.denominator == 1 for number in scaled):
                return finer
    return None
