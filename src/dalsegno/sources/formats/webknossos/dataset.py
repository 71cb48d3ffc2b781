"""What a WEBKNOSSOS dataset on a disk says about its layers. Boxes are in voxels of magnification 1, axes (x, y, z)."""

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from dalsegno.errors import DataError
from dalsegno.sources.errors import SourceError, reading
from dalsegno.sources.geometry import Geometry, known_unit
from dalsegno.sources.indexing import Slices
from dalsegno.sources.storage.remote import is_url

__all__ = [
    "PROPERTIES",
    "XYZ",
    "LayerMissing",
    "LocalMag",
    "OpenedMag",
    "as_mag",
    "find_mag",
    "layer_names",
    "mag_name",
]

XYZ = tuple[int, int, int]

PROPERTIES = "datasource-properties.json"


class LayerMissing(DataError, KeyError, IndexError):
    """The dataset has no such layer, or the layer no such magnification."""

    # KeyError would show its message in quotes
    __str__ = Exception.__str__


@frozen
class LocalMag:
    """One magnification of a layer of a dataset on a disk.

    Attributes
    ----------
    layer
        Name of the layer.
    mag
        How many voxels of magnification 1 a voxel covers, axes (x, y, z).
    path
        Where the array lies; a path or URL.
    data_format
        ``"zarr3"``, ``"zarr"``, ``"wkw"``.
    axis_order
        The axes as stored, of ``"c"``, ``"x"``, ``"y"``, ``"z"``.
    num_channels, first_channel
        Which channels of the array are the layer's.
    start, end
        The layer's own bounding box.
    voxel_size, units
        Of magnification 1, axes (x, y, z); None where that is not said.
    properties
        All that the dataset says about the layer.
    """

    layer: str
    mag: XYZ
    path: str
    data_format: str
    axis_order: tuple[str, ...]
    num_channels: int
    first_channel: int
    start: XYZ
    end: XYZ
    voxel_size: tuple[Decimal, ...] | None
    units: str | None
    properties: Mapping[str, Any]

    @property
    def top_left(self) -> XYZ:
        """Where the bounding box begins, grown to whole voxels of this magnification."""
        x, y, z = (start // step * step for start, step in zip(self.start, self.mag, strict=True))
        return x, y, z

    @property
    def size(self) -> XYZ:
        """Size of the bounding box, grown to whole voxels of this magnification."""
        boxes = zip(self.top_left, self.end, self.mag, strict=True)
        x, y, z = (-(-(end - start) // step) * step for start, end, step in boxes)
        return x, y, z

    @property
    def axes(self) -> tuple[str, ...]:
        """The axes as presented: (z, y, x), or (c, z, y, x) where there are several channels."""
        return ("z", "y", "x") if self.num_channels == 1 else ("c", "z", "y", "x")

    @property
    def geometry(self) -> Geometry:
        """Voxel size and offset of this magnification."""
        if self.voxel_size is None:
            return Geometry(axes=self.axes)
        size = [one * step for one, step in zip(self.voxel_size, self.mag, strict=True)]
        offset = [one * start for one, start in zip(self.voxel_size, self.top_left, strict=True)]
        return Geometry(self.axes, tuple(size[::-1]), tuple(offset[::-1]), self.units, convention="WEBKNOSSOS")

    def __str__(self) -> str:
        return f"layer {self.layer!r}, mag {mag_name(self.mag)} ({self.path})"


@frozen
class OpenedMag:
    """One magnification of a layer, opened: on a disk or through the client.

    Attributes
    ----------
    layer
        The `LocalMag`, or the client's own view.
    top_left, size
        The bounding box, grown to whole voxels of this magnification.
    num_channels, chunks, dtype
        What is stored; chunks with axes (z, y, x).
    read
        Returns a part of the bounding box, in voxels of this magnification, axes (z, y, x).
    """

    layer: Any
    top_left: XYZ
    size: XYZ
    num_channels: int
    chunks: tuple[int, ...] | None
    dtype: np.dtype[Any]
    read: Callable[[Slices], NDArray[Any]]


def as_mag(given: Any) -> XYZ:
    """Return a magnification as three numbers, axes (x, y, z): of ``2``, ``"2"``, ``"2-2-1"`` or ``[2, 2, 1]``.

    Raises
    ------
    SourceError
        If it is none of these; a `ValueError`.
    """
    try:
        numbers = [int(part) for part in (str(given).split("-") if isinstance(given, (int, str)) else given)]
    except (TypeError, ValueError):
        numbers = []
    if len(numbers) not in (1, 3) or min(numbers) < 1:
        raise SourceError(f"{given!r} is no magnification; give one number or three of x, y, z: 2, '2-2-1'")
    x, y, z = numbers * 3 if len(numbers) == 1 else numbers
    return x, y, z


def mag_name(mag: XYZ) -> str:
    """Return the name of a magnification: ``"2"``, ``"2-2-1"``."""
    return str(mag[0]) if len(set(mag)) == 1 else "-".join(map(str, mag))


def layer_names(folder: str) -> list[str]:
    """Return the names of the layers.

    Raises
    ------
    DataError
        If the properties can't be read.
    """
    return [str(layer.get("name")) for layer in _read_properties(folder)["dataLayers"]]


def find_mag(folder: str, layer: str, mag: XYZ | None = None) -> LocalMag:
    """Return one magnification of a layer; the finest if none is named.

    Raises
    ------
    LayerMissing
        If there is no such layer or magnification; an `IndexError` and a `KeyError`.
    DataError
        If the properties can't be read.
    """
    properties = _read_properties(folder)
    found = [one for one in properties["dataLayers"] if one.get("name") == layer]
    if not found:
        raise LayerMissing(f"no layer {layer!r} in {folder}; it has {', '.join(layer_names(folder)) or 'none'}")
    try:
        mags = {as_mag(entry.get("mag", entry.get("resolution"))): entry for entry in _mag_entries(found[0])}
        chosen = mag or min(mags, default=None)
        if chosen in mags:
            return _local_mag(folder, properties, found[0], chosen, mags[chosen])
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise DataError(f"layer {layer!r} in {folder}/{PROPERTIES} can't be read: {error!r}; correct it") from error
    held = ", ".join(map(mag_name, sorted(mags))) or "none"
    raise LayerMissing(f"layer {layer!r} in {folder} has no mag {mag_name(mag) if mag else ''}; it has {held}")


def _read_properties(folder: str) -> dict[str, Any]:
    path = Path(folder) / PROPERTIES
    with reading(str(path)):
        properties = json.loads(path.read_text(encoding="utf-8"))
    layers = properties.get("dataLayers") if isinstance(properties, dict) else None
    if not isinstance(layers, list) or not all(isinstance(layer, dict) for layer in layers):
        raise DataError(f"{path} has no list of dataLayers; is it complete?")
    return dict(properties)


def _mag_entries(layer: dict[str, Any]) -> list[dict[str, Any]]:
    # old datasets of wkw files call them resolutions
    return list(layer.get("mags") or layer.get("wkwResolutions") or [])


def _local_mag(
    folder: str, properties: dict[str, Any], layer: dict[str, Any], mag: XYZ, entry: dict[str, Any]
) -> LocalMag:
    box = layer["boundingBox"]
    x, y, z = map(int, box["topLeft"])
    order = entry.get("axisOrder") or {"c": 0, "x": 1, "y": 2, "z": 3}
    if not {"x", "y", "z"} <= set(order) <= {"c", "x", "y", "z"}:
        raise DataError(f"layer {layer['name']!r} in {folder} has the axes {list(order)}; only c, x, y, z can be read")
    scale, units = _scale(properties.get("scale"))
    path = str(entry.get("path") or f"{layer['name']}/{mag_name(mag)}")
    return LocalMag(
        layer=layer["name"],
        mag=mag,
        path=path if is_url(path) else str(Path(folder, path)),
        data_format=str(layer.get("dataFormat")),
        axis_order=tuple(sorted(order, key=lambda axis: int(order[axis]))),
        num_channels=int(layer.get("numChannels") or 1),
        first_channel=int(entry.get("channelIndex") or 0),
        start=(x, y, z),
        end=(x + int(box["width"]), y + int(box["height"]), z + int(box["depth"])),
        voxel_size=scale,
        units=units,
        properties=layer,
    )


def _scale(scale: Any) -> tuple[tuple[Decimal, ...] | None, str | None]:
    """Return voxel size and unit; old datasets give the numbers alone, in nanometers."""
    if isinstance(scale, dict):
        numbers, units = scale["factor"], known_unit(scale.get("unit"))
    else:
        numbers, units = scale, "nm"
    if numbers is None:
        return None, None
    x, y, z = (Decimal(str(number)) for number in numbers)
    return (x, y, z), units
