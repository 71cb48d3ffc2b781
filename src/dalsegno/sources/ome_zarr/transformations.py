"""Scales and translations of OME-Zarr metadata, composed exactly."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from attrs import frozen

from dalsegno.errors import DataError

__all__ = ["Placement", "placement"]


@frozen
class Placement:
    """Where voxels lie: ``world = scale * index + translation``, per axis of the array.

    Attributes
    ----------
    translated
        Whether a translation was given at all.
    """

    scale: tuple[Fraction, ...]
    translation: tuple[Fraction, ...]
    translated: bool = False


def placement(transformations: Any, ndim: int, *, where: str, start: Placement | None = None) -> Placement:
    """Compose transformations that are applied one after the other.

    Parameters
    ----------
    transformations
        As in the metadata: of type identity, scale, translation, or sequence of these.
    ndim
        Number of axes.
    where
        Names the place in messages.
    start
        What was applied before. Without it, the transformations are those of a level, and need a scale.

    Raises
    ------
    DataError
        If one is of another type or incomplete, or there is no scale.
    """
    steps = _flat(transformations, where)
    kinds = [step.get("type") for step in steps]
    if start is None and not {"scale", "identity"} & set(kinds):
        raise DataError(f"{where} has no scale; its coordinateTransformations need one")
    placed = start or Placement((Fraction(1),) * ndim, (Fraction(0),) * ndim)
    scale, translation = placed.scale, placed.translation
    for step, kind in zip(steps, kinds, strict=True):
        if kind == "identity":
            continue
        numbers = _numbers(step, str(kind), ndim, where)
        if kind == "scale":
            scale = tuple(a * b for a, b in zip(scale, numbers, strict=True))
            translation = tuple(a * b for a, b in zip(translation, numbers, strict=True))
        else:
            translation = tuple(a + b for a, b in zip(translation, numbers, strict=True))
    # a translation of the whole image says nothing of how its levels lie to each other
    translated = "translation" in kinds if start is None else start.translated
    return Placement(scale, translation, translated)


def _flat(transformations: Any, where: str) -> list[Mapping[str, Any]]:
    if not isinstance(transformations, list) or not all(isinstance(step, Mapping) for step in transformations):
        raise DataError(f"{where} has no list of coordinateTransformations; they need at least a scale")
    flat: list[Mapping[str, Any]] = []
    for step in transformations:
        kind = step.get("type")
        if kind == "sequence":
            flat += _flat(step.get("transformations"), where)
        elif kind in ("identity", "scale", "translation"):
            flat.append(step)
        else:
            raise DataError(
                f"{where} has a transformation of type {kind!r}, which can't be read: only scales and "
                "translations can; resample the image to a straight grid"
            )
    return flat


def _numbers(step: Mapping[str, Any], kind: str, ndim: int, where: str) -> tuple[Fraction, ...]:
    values = step.get(kind)
    if values is None and "path" in step:
        raise DataError(
            f"{where} keeps the numbers of its {kind} in a file ({step['path']!r}), which is not read; write them into "
            "the metadata"
        )
    try:
        if isinstance(values, list) and len(values) == ndim and not any(isinstance(value, bool) for value in values):
            return tuple(Fraction(Decimal(str(value))) for value in values)
    except (InvalidOperation, ValueError, OverflowError):  # a text, or not finite
        pass
    raise DataError(f"{where} has the {kind} {values!r}, but {ndim} numbers are needed, one per axis; correct it")
