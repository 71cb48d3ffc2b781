"""OME-Zarr's multiscales metadata for images that are written."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Literal

from attrs import frozen

from dalsegno.errors import DataError
from dalsegno.sources.geometry import NOT_SPATIAL, Geometry, exact_decimal
from dalsegno.units import NAMES

__all__ = ["Level", "multiscales_metadata"]

_TYPES = {"c": "channel", "s": "channel", "t": "time"}
_COLORS = ("FFFFFF", "FF00FF", "00FF00", "00FFFF", "FFFF00", "FF0000", "0000FF")


@frozen
class Level:
    """One resolution of an image that is written.

    Attributes
    ----------
    path
        Path of its array inside the image group.
    geometry
        Its axes, and where known voxel size, offset (lower corner), units and channels.
    """

    path: str
    geometry: Geometry


def multiscales_metadata(
    levels: Sequence[Level],
    *,
    name: str,
    version: Literal["0.4", "0.5"],
    window: tuple[float, float] = (0.0, 255.0),
) -> dict[str, Any]:
    """Return the attributes that make a group an image; `multiscale_image` reads the same geometry from them.

    Parameters
    ----------
    levels
        The finest first. Their axes and units agree.
    name
        Name of the image.
    version
        ``"0.4"`` in zarr version 2, ``"0.5"`` in zarr version 3.
    window
        Lowest and highest value that viewers show; written where channels have names.

    Raises
    ------
    DataError
        If levels have other axes or units than the first, or a number has too many digits to be written exactly.
    """
    first = levels[0].geometry
    if first.axes is None or any(
        (one.geometry.axes, one.geometry.units) != (first.axes, first.units) for one in levels
    ):
        raise DataError(f"the levels of {name!r} have different axes or units, or none; give all the same")
    entry = {
        "name": name,
        "axes": [_axis(axis, first.units) for axis in first.axes],
        "datasets": [
            {"path": one.path, "coordinateTransformations": _transformations(one.geometry, first)} for one in levels
        ],
    }
    omero = {} if first.channels is None else {"omero": {"channels": _shown(first.channels, window)}}
    if version == "0.4":
        return {"multiscales": [{"version": version, **entry}], **omero}
    return {"ome": {"version": version, "multiscales": [entry], **omero}}


def _axis(name: str, units: str | None) -> dict[str, str]:
    axis = {"name": name, "type": _TYPES.get(name, "space")}
    known = name not in NOT_SPATIAL and units not in (None, "voxel")
    return axis | ({"unit": NAMES[str(units)]} if known else {})


def _transformations(geometry: Geometry, finest: Geometry) -> list[dict[str, Any]]:
    axes = geometry.axes or ()
    size, base, corner = (
        _per_axis(axes, numbers, usual)
        for numbers, usual in ((geometry.voxel_size, 1), (finest.voxel_size, 1), (geometry.offset, 0))
    )
    centre = [at + (own - first) / 2 for at, own, first in zip(corner, size, base, strict=True)]
    return [
        {"type": "scale", "scale": [_float(number) for number in size]},
        {"type": "translation", "translation": [_float(number) for number in centre]},
    ]


def _per_axis(axes: Sequence[str], numbers: Sequence[Any] | None, usual: int) -> list[Fraction]:
    spatial = sum(axis not in NOT_SPATIAL for axis in axes)
    given = iter(numbers or [usual] * spatial)
    if numbers is not None and len(numbers) != spatial:
        raise DataError(f"{len(numbers)} numbers {list(map(str, numbers))} for {spatial} spatial axes of {list(axes)}")
    return [Fraction(next(given)) if axis not in NOT_SPATIAL else Fraction(usual) for axis in axes]


def _float(number: Fraction) -> float:
    if Fraction(repr(float(number))) != number:
        raise DataError(f"{exact_decimal(number)} has too many digits to be written exactly; use a finer unit")
    return float(number)


def _shown(channels: Sequence[str], window: tuple[float, float]) -> list[dict[str, Any]]:
    low, high = map(float, window)
    return [
        {
            "label": label,
            "color": _COLORS[number % len(_COLORS)],
            "active": True,
            "window": {"min": low, "start": low, "end": high, "max": high},
        }
        for number, label in enumerate(channels)
    ]
