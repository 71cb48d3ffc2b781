"""KNOSSOS datasets: a folder per magnification, in it cubes of 128^3 voxels, one file each."""

import math
import re
from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation
from itertools import product
from pathlib import Path

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from dalsegno.errors import DataError
from dalsegno.sources.errors import ArrayMissing, FileMissing, reading
from dalsegno.sources.file_format import FileFormat, StoredVoxels
from dalsegno.sources.geometry import Geometry
from dalsegno.sources.indexing import Slices
from dalsegno.sources.pages import keeping

_EDGE = 128
_SUFFIXES = (".raw", ".png", ".jpg")  # of cubes that are stored twice, the exact ones are read

Place = tuple[int, int, int]
"""Which cube, axes (z, y, x)."""


def open_knossos(
    path: str,
    internal_path: str,
    mode: str,  # noqa: ARG001 - never written
    fill_missing: bool = False,
) -> StoredVoxels:
    """Open one magnification of a KNOSSOS dataset, axes (z, y, x), uint8.

    The shape is that of the box of all cube folders, cut to the boundary of `knossos.conf` where there is one.

    Parameters
    ----------
    path
        The folder that holds ``mag1``.
    internal_path
        The magnification, ``"mag2"``; ``"mag1"`` if empty.
    mode
        Cubes are never written.
    fill_missing
        Whether cubes without a file are zeros; else reading one is an error.

    Raises
    ------
    ArrayMissing
        If there is no such magnification.
    DataError
        If it holds no cubes, or `knossos.conf` can't be read.
    """
    mag = _find_mag(Path(path), internal_path or "mag1")
    places = list(_places(mag))
    files = _find_files(mag, places)
    boundary, geometry = _read_conf(mag)
    extent = [_EDGE * (1 + max(place[axis] for place in places)) for axis in range(3)]
    shape = tuple(map(min, extent, boundary or extent))

    read = keeping(files.read)

    def cube(place: Place) -> NDArray[np.uint8] | None:
        return None if fill_missing and not files.path(place).exists() else read(place)

    return StoredVoxels(shape, np.dtype(np.uint8), _box_reader(cube), chunks=(_EDGE,) * 3, geometry=geometry)


@frozen
class _CubeFiles:
    """The files of one magnification. They are named after the experiment, whatever the folder is called."""

    mag: Path
    experiment: str
    suffix: str

    def path(self, place: Place) -> Path:
        z, y, x = place
        return _cube_folder(self.mag, place) / f"{self.experiment}_x{x:04}_y{y:04}_z{z:04}{self.suffix}"

    def read(self, place: Place) -> NDArray[np.uint8]:
        """Return a cube, axes (z, y, x)."""
        path = self.path(place)
        if not path.exists():
            raise FileMissing(f"the cube {path} is missing; read it as zeros with the option fill_missing=True")
        with reading(str(path)):
            voxels = _read_raw(path) if self.suffix == ".raw" else _read_image(path)
        if voxels.size != _EDGE**3:
            raise DataError(f"{path} holds {voxels.size} voxels, but a cube has 128^3 of uint8; is the file complete?")
        return voxels.reshape((_EDGE,) * 3)


def _cube_folder(mag: Path, place: Place) -> Path:
    z, y, x = place
    return mag / f"x{x:04}" / f"y{y:04}" / f"z{z:04}"


def _find_mag(folder: Path, name: str) -> Path:
    if _is_mag(folder):
        raise ArrayMissing(
            f"{folder} is one magnification of a dataset; open the folder above it, {folder.parent}, with "
            f"{folder.name!r} as internal_path (dataset)"
        )
    mags = [found for found in _numbered(folder, "mag") if found[1].is_dir()]
    for _, mag in mags:
        if mag.name == name:
            return mag
    held = ", ".join(mag.name for _, mag in mags) or "none"
    raise ArrayMissing(f"no magnification {name!r} in {folder}; it holds {held}")


def _places(mag: Path) -> Iterator[Place]:
    """Yield the places that have a folder; a dataset need not be a box."""
    for x, x_folder in _numbered(mag, "x"):
        for y, y_folder in _numbered(x_folder, "y"):
            for z, _ in _numbered(y_folder, "z"):
                yield z, y, x


def _numbered(folder: Path, prefix: str) -> list[tuple[int, Path]]:
    if not folder.is_dir():
        return []
    named = [(re.fullmatch(prefix + r"(\d+)", inside.name), inside) for inside in folder.iterdir()]
    return sorted((int(match[1]), inside) for match, inside in named if match)


def _find_files(mag: Path, places: list[Place]) -> _CubeFiles:
    for place, suffix in product(places, _SUFFIXES):
        z, y, x = place
        ending = f"_x{x:04}_y{y:04}_z{z:04}{suffix}"
        for file in _cube_folder(mag, place).glob(f"*{ending}"):
            return _CubeFiles(mag, file.name.removesuffix(ending), suffix)
    raise DataError(
        f"{mag} holds no cubes; they are expected in x0000/y0000/z0000 and so on, as {', '.join(_SUFFIXES)} files"
    )


def _read_raw(path: Path) -> NDArray[np.uint8]:
    return np.fromfile(path, np.uint8)


def _read_image(path: Path) -> NDArray[np.uint8]:
    from PIL.JpegImagePlugin import JpegImageFile
    from PIL.PngImagePlugin import PngImageFile

    plugin = PngImageFile if path.suffix == ".png" else JpegImageFile
    with path.open("rb") as file, plugin(file) as image:
        if image.mode != "L" or image.width * image.height != _EDGE**3:
            raise DataError(
                f"{path} is an image of {image.width} x {image.height} in mode {image.mode}, but a cube has 128^3 "
                "pixels of one byte (mode L)"
            )
        return np.asarray(image, np.uint8)


def _box_reader(cube: Callable[[Place], NDArray[np.uint8] | None]) -> Callable[[Slices], NDArray[np.uint8]]:
    """Return a function that reads a box; only the cubes that it touches are read, and None among them is zeros."""

    def read(roi: Slices) -> NDArray[np.uint8]:
        box = np.zeros([entry.stop - entry.start for entry in roi], np.uint8)
        for place in product(*(range(entry.start // _EDGE, -(-entry.stop // _EDGE)) for entry in roi)):
            voxels = cube((place[0], place[1], place[2]))
            if voxels is None:
                continue
            common = [
                (max(entry.start, at * _EDGE), min(entry.stop, (at + 1) * _EDGE))
                for entry, at in zip(roi, place, strict=True)
            ]
            inside = tuple(slice(a - at * _EDGE, b - at * _EDGE) for (a, b), at in zip(common, place, strict=True))
            into = tuple(slice(a - entry.start, b - entry.start) for (a, b), entry in zip(common, roi, strict=True))
            box[into] = voxels[inside]
        return box

    return read


def _read_conf(mag: Path) -> tuple[tuple[int, ...] | None, Geometry]:
    """Return the extent of the magnification in voxels, where it is said, and the geometry.

    The numbers of `knossos.conf` are those of the magnification that it names, usually 1.
    """
    axes = ("z", "y", "x")
    conf = next((folder / "knossos.conf" for folder in (mag, mag.parent) if (folder / "knossos.conf").is_file()), None)
    if conf is None:
        return None, Geometry(axes=axes)
    numbers = _conf_numbers(conf)
    ratio = int(mag.name.removeprefix("mag")) / numbers.get("magnification", Decimal(1))
    scale = [numbers[f"scale {axis}"] * ratio for axis in axes if f"scale {axis}" in numbers]
    boundary = [math.ceil(numbers[f"boundary {axis}"] / ratio) for axis in axes if f"boundary {axis}" in numbers]
    known = Geometry(axes=axes, voxel_size=tuple(scale), units="nm", convention="knossos.conf")
    return tuple(boundary) if len(boundary) == 3 else None, known if len(scale) == 3 else Geometry(axes=axes)


def _conf_numbers(conf: Path) -> dict[str, Decimal]:
    with reading(str(conf)):
        text = conf.read_text(encoding="utf-8")
    found = dict(re.findall(r"^\s*((?:scale|boundary) [xyz]|magnification)\s+([^;\s]+)", text, re.MULTILINE))
    try:
        numbers = {key: Decimal(value) for key, value in found.items()}
        valid = all(number > 0 and number.is_finite() for number in numbers.values())
    except InvalidOperation:
        valid = False
    if not valid:
        raise DataError(f"{conf} says {found}, but these are numbers above 0; correct it")
    return numbers


def _is_mag(folder: Path) -> bool:
    return re.fullmatch(r"mag\d+", folder.name) is not None and bool(_numbered(folder, "x"))


def _claims(path: Path) -> bool:
    return _is_mag(path) or any(_numbered(mag, "x") for _, mag in _numbered(path, "mag"))


FORMAT = FileFormat(
    name="knossos",
    extensions=(),
    open=open_knossos,
    library="PIL",
    install="pillow",
    claims=_claims,
    default_key="mag1",
)
