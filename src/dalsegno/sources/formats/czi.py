"""CZI, the files of ZEISS microscopes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal
from itertools import product
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from dalsegno.errors import DataError
from dalsegno.sources.errors import ArrayMissing, SourceError, reading
from dalsegno.sources.file_format import FileFormat, StoredVoxels
from dalsegno.sources.geometry import Geometry, short_decimal
from dalsegno.sources.indexing import Slices

_GRAY = {"Gray8": np.uint8, "Gray16": np.uint16, "Gray32Float": np.float32}
_COLOR = {"Bgr24": np.uint8, "Bgr48": np.uint16, "Bgr96Float": np.float32}
_PLANE = ("C", "T", "Z")
_MICROMETER = 1e-6


def open_czi(path: str, internal_path: str, mode: str) -> StoredVoxels:  # noqa: ARG001 - never written
    """Open one scene at its full resolution, axes (c?, t?, z?, y, x): of c, t and z those with more than one entry.

    Colors are one more axis at the end, of red, green and blue: ``"c"``, or ``"s"`` beside several channels. What no
    tile covers, and planes that were never taken, are zeros.

    Parameters
    ----------
    path
        The file.
    internal_path
        Number of the scene; it may be empty where there is one.
    mode
        Files are only read.

    Raises
    ------
    SourceError
        If there are several scenes and none is named; a `ValueError`.
    ArrayMissing
        If there is no such scene; a `KeyError`.
    DataError
        If the file is damaged, or has views, phases, or other axes.
    """
    from pylibCZIrw.czi import CziReader

    with _reading(path):
        reader = CziReader(path)
        scenes = _find_scenes(reader)
        metadata = ET.fromstring(reader.raw_metadata or "<ImageDocument/>")
    scene = _choose(scenes, path, internal_path)
    scene.check(path)
    return StoredVoxels(
        shape=scene.shape,
        dtype=scene.dtype,
        read=_plane_reader(reader, scene, path),
        geometry=_geometry(metadata, scene),
        close=lambda: _close(reader),
    )


@frozen
class _Scene:
    """What the directory of a file says about one scene.

    Attributes
    ----------
    number
        Number of the scene; None in a file without scenes.
    bounds
        First and last position of each axis, ``"X"`` and ``"Y"`` included: they may be negative.
    pixel_types
        Channel -> name of its pixel type.
    """

    number: int | None
    bounds: dict[str, tuple[int, int]] = field(factory=dict)
    pixel_types: dict[int, str] = field(factory=dict)

    def add(self, position: dict[str, int], tile: Any, pixel_type: str) -> None:
        """Take in a tile of the file."""
        spans = {axis: (at, at) for axis, at in position.items()}
        spans |= {"X": (tile.x, tile.x + tile.w - 1), "Y": (tile.y, tile.y + tile.h - 1)}
        for axis, (first, last) in spans.items():
            low, high = self.bounds.get(axis, (first, last))
            self.bounds[axis] = (min(low, first), max(high, last))
        self.pixel_types[position.get("C", 0)] = pixel_type

    def size(self, axis: str) -> int:
        first, last = self.bounds.get(axis, (0, 0))
        return last - first + 1

    def start(self, axis: str) -> int:
        return self.bounds.get(axis, (0, 0))[0]

    @property
    def leading(self) -> list[str]:
        """The axes of planes that have more than one entry."""
        return [axis for axis in _PLANE if self.size(axis) > 1]

    @property
    def colored(self) -> bool:
        return any(name in _COLOR for name in self.pixel_types.values())

    @property
    def axes(self) -> tuple[str, ...]:
        colors = "" if not self.colored else "s" if "C" in self.leading else "c"
        return (*map(str.lower, self.leading), "y", "x", *colors)

    @property
    def shape(self) -> tuple[int, ...]:
        return (*map(self.size, [*self.leading, "Y", "X"]), *[3] * self.colored)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type that holds the voxels of every channel."""
        return np.result_type(*((_GRAY | _COLOR)[name] for name in self.pixel_types.values()))

    def check(self, path: str) -> None:
        """Check that the scene can be presented.

        Raises
        ------
        DataError
            If it has further axes, or pixels that the library does not read.
        """
        further = {axis: self.size(axis) for axis in self.bounds if axis not in (*_PLANE, "X", "Y")}
        if any(size > 1 for size in further.values()):
            raise DataError(
                f"{path} has the axes {further} beside c, t, z, y and x, which can't be presented; export the part "
                "that you need"
            )
        names = set(self.pixel_types.values())
        if not (names <= set(_GRAY) or names <= set(_COLOR)):
            raise DataError(
                f"{path} has the pixel types {sorted(names)}, but they are all of {sorted(_GRAY)}, or all of "
                f"{sorted(_COLOR)}; export the channels one by one"
            )


def _find_scenes(reader: Any) -> dict[int | None, _Scene]:
    """Read the directory of tiles; the library's own summary leaves out where planes start."""
    scenes: dict[int | None, _Scene] = {}

    def look(_: int, tile: Any) -> bool:
        position = tile.coordinate.to_dict()
        number = position.pop("S", None)
        scenes.setdefault(number, _Scene(number)).add(position, tile.logicalRect, tile.pixelType.name)
        return True

    reader.enumerate_subblocks_subset(look, only_layer0=True)
    return scenes


def _choose(scenes: dict[int | None, _Scene], path: str, internal_path: str) -> _Scene:
    if not scenes:
        raise DataError(f"{path} holds no image")
    named = {"0" if number is None else str(number): scene for number, scene in scenes.items()}
    shapes = ", ".join(f"{name}: {named[name].shape}" for name in sorted(named, key=int))
    if not internal_path and len(named) > 1:
        raise SourceError(f"{path} holds several scenes; name one as internal_path (dataset): {shapes}")
    if internal_path and internal_path not in named:
        raise ArrayMissing(f"no scene {internal_path!r} in {path}; it holds {shapes}")
    return named[internal_path] if internal_path else next(iter(named.values()))


def _plane_reader(reader: Any, scene: _Scene, path: str) -> Callable[[Slices], NDArray[Any]]:
    def read(roi: Slices) -> NDArray[Any]:
        chosen = dict(zip([*scene.leading, "Y", "X"], roi, strict=False))
        y, x = chosen["Y"], chosen["X"]
        extent = (x.stop - x.start, y.stop - y.start)
        place = (scene.start("X") + x.start, scene.start("Y") + y.start, *extent)
        positions = [_positions(chosen.get(axis, slice(0, 1)), scene.start(axis)) for axis in _PLANE]
        counts = tuple(map(len, positions))
        block = np.zeros((*counts, *extent[::-1], 3 if scene.colored else 1), scene.dtype)
        for page, plane in zip(np.ndindex(*counts), product(*positions), strict=True):
            pixel_type = scene.pixel_types.get(plane[0])
            if pixel_type is not None:
                with _reading(f"the voxels of {path}"):
                    block[page] = reader.read(
                        place, dict(zip(_PLANE, plane, strict=True)), scene.number, pixel_type=pixel_type
                    )
        # the file has blue first
        block = block[..., ::-1][..., roi[-1]] if scene.colored else block
        return block.reshape([entry.stop - entry.start for entry in roi])

    return read


def _positions(entry: slice, start: int) -> range:
    return range(start + entry.start, start + entry.stop)


def _geometry(metadata: ET.Element, scene: _Scene) -> Geometry:
    spatial = [axis for axis in scene.axes if axis in "zyx"]
    sizes = {
        distance.get("Id", "").lower(): _micrometers(distance.findtext("Value"))
        for distance in metadata.iterfind("./Metadata/Scaling/Items/Distance")
    }
    known = [size for axis in spatial if (size := sizes.get(axis))]
    whole = len(known) == len(spatial)
    return Geometry(
        axes=scene.axes,
        voxel_size=tuple(known) if whole else None,
        units="um" if whole else None,
        channels=_channels(metadata, scene),
        convention="CZI metadata",
    )


def _micrometers(meters: str | None) -> Decimal | None:
    try:
        return short_decimal(float(meters or "") / _MICROMETER)
    except ValueError:
        return None


def _channels(metadata: ET.Element, scene: _Scene) -> tuple[str, ...] | None:
    if "C" not in scene.leading:
        return ("red", "green", "blue") if scene.colored else None
    found = metadata.findall("./Metadata/Information/Image/Dimensions/Channels/Channel")
    named = [channel.get("Name") for channel in found]
    if len(found) != scene.size("C") or not any(named):
        return None
    return tuple(name or channel.get("Id") or "" for name, channel in zip(named, found, strict=True))


def _close(reader: Any) -> None:
    with suppress(RuntimeError):  # it is closed already
        reader.close()


@contextmanager
def _reading(what: str) -> Iterator[None]:
    with reading(what):
        try:
            yield
        except RuntimeError as error:  # what the library raises on damage
            raise OSError(str(error)) from error


FORMAT = FileFormat(
    name="czi",
    extensions=(".czi",),
    open=open_czi,
    library="pylibCZIrw",
    install="'dalsegno[czi]'",
)
