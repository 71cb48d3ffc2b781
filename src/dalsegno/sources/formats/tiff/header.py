"""What the headers of TIFFs tell about voxels: plain, of ImageJ, and OME."""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any
from xml.etree import ElementTree as ET

from dalsegno.sources.formats.tiff.image import TiffImage
from dalsegno.sources.geometry import NOT_SPATIAL, Geometry, in_one_unit, known_unit, short_decimal

__all__ = ["read_geometry"]

_AXES = {"Z": "z", "Y": "y", "X": "x", "C": "c", "T": "t"}
_CENTIMETER = 3


def read_geometry(tiff: Any, image: TiffImage, path: str) -> Geometry:
    """Return what the header tells. A voxel size is told only if it is known for all axes."""
    # samples of a color are channels, unless there are others
    names = {**_AXES, "S": "s" if "C" in image.axes else "c"}
    axes = tuple(names[axis] for axis in image.axes) if set(image.axes) <= set(names) else None
    spatial = [axis for axis in axes or "zyx"[-min(3, len(image.shape)) :] if axis not in NOT_SPATIAL]
    convention = "OME-TIFF" if tiff.is_ome else "ImageJ TIFF" if tiff.is_imagej else "TIFF"
    if tiff.is_ome:
        sizes, units = _ome_voxel_size(tiff, image, spatial, path)
    else:
        known, units = _imagej_voxel_size(tiff, image.keyframe) if tiff.is_imagej else _voxel_size(image.keyframe)
        sizes = [known.get(axis) for axis in spatial]
    found = tuple(size for size in sizes if size)
    if units is None or len(found) < len(spatial):
        return Geometry(axes=axes, convention=convention)
    return Geometry(axes, found, units=units, convention=convention)


def _voxel_size(page: Any) -> tuple[dict[str, Decimal | None], str | None]:
    """Return the voxel size per axis and its unit.

    Resolutions per inch are those of printers and say nothing about voxels.
    """
    unit = page.tags.get("ResolutionUnit")
    return _pixel_size(page), "cm" if unit is not None and unit.value == _CENTIMETER else None


def _imagej_voxel_size(tiff: Any, page: Any) -> tuple[dict[str, Decimal | None], str | None]:
    metadata = tiff.imagej_metadata or {}
    unit, spacing = known_unit(metadata.get("unit")), metadata.get("spacing")
    depth = short_decimal(abs(float(spacing))) if isinstance(spacing, (int, float)) else None
    return {**_pixel_size(page), "z": depth}, None if unit == "voxel" else unit


def _pixel_size(page: Any) -> dict[str, Decimal | None]:
    tags = {"x": page.tags.get("XResolution"), "y": page.tags.get("YResolution")}
    known = {axis: tag.value for axis, tag in tags.items() if tag is not None and 0 not in tag.value}
    return {axis: short_decimal(length / pixels) for axis, (pixels, length) in known.items()}


def _ome_voxel_size(
    tiff: Any, image: TiffImage, spatial: Sequence[str], path: str
) -> tuple[Sequence[Decimal | None], str | None]:
    """Return the voxel size of an image and its unit; axes with units of their own are converted."""
    all_pixels = [node for node in ET.fromstring(tiff.ome_metadata).iter() if node.tag.endswith("}Pixels")]
    if not all_pixels:
        return [], None
    pixels = all_pixels[image.number if len(all_pixels) == len(tiff.series) else 0]
    sizes = [_length(pixels.get(f"PhysicalSize{axis.upper()}")) for axis in spatial]
    units = [known_unit(pixels.get(f"PhysicalSize{axis.upper()}Unit", "um")) for axis in spatial]
    known = [size for size in sizes if size is not None]
    if len(known) < len(spatial) or None in units or (len(set(units)) > 1 and "voxel" in units):
        return [], None
    unit, (converted,) = in_one_unit(units, [known], what=path)
    return converted or [], unit


def _length(text: str | None) -> Decimal | None:
    try:
        number = Decimal(text or "0")
    except InvalidOperation:
        return None
    return number if number.is_finite() and number > 0 else None
