"""The ``info`` of a layer of Neuroglancer precomputed: which levels it has, and where their chunks are."""

import itertools
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import numpy as np
from attrs import frozen

from dalsegno.errors import DataError
from dalsegno.sources.errors import ArrayMissing, FileMissing, SourceError
from dalsegno.sources.geometry import Geometry
from dalsegno.sources.indexing import Slices
from dalsegno.sources.storage.folder import StoredFolder

__all__ = ["Level", "read_level"]

_DTYPES = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "float32")


@frozen
class Level:
    """A level of a layer; lists are x, y, z.

    Attributes
    ----------
    mip, key
        Its number, 0 the finest, and its name.
    dtype, channels
        Of the layer.
    corner, size, chunk
        First voxel, extent, and extent of a chunk, in voxels of the level.
    resolution
        Voxel size in nanometers.
    encoding
        How chunks are encoded.
    sharded
        Whether many chunks are in one file.
    """

    mip: int
    key: str
    dtype: np.dtype[Any]
    channels: int
    corner: tuple[int, ...]
    size: tuple[int, ...]
    chunk: tuple[int, ...]
    resolution: tuple[Decimal, ...]
    encoding: str
    sharded: bool

    @property
    def geometry(self) -> Geometry:
        """Axes, voxel size and offset."""
        return Geometry(
            axes=("z", "y", "x") if self.channels == 1 else ("c", "z", "y", "x"),
            voxel_size=self.resolution[::-1],
            offset=tuple(at * size for at, size in zip(self.corner, self.resolution, strict=True))[::-1],
            units="nm",
            convention="precomputed info",
        )

    def chunk_names(self, box: Slices) -> Iterator[str]:
        """Give the names of the files of the chunks that a box touches; it counts from the corner."""
        axes = []
        for entry, corner, size, chunk in zip(box, self.corner, self.size, self.chunk, strict=True):
            numbers = range(entry.start // chunk, -(-entry.stop // chunk))
            axes.append([f"{corner + n * chunk}-{corner + min((n + 1) * chunk, size)}" for n in numbers])
        return (f"{self.key}/{'_'.join(ranges)}" for ranges in itertools.product(*axes))


def read_level(folder: StoredFolder, mip: int | None, key: str) -> Level:
    """Read the info of a layer, and return one of its levels, by number or by name; the finest if neither is given.

    Raises
    ------
    FileMissing
        If there is no info; a `FileNotFoundError`.
    ArrayMissing
        If there is no such level; a `KeyError`.
    SourceError
        If number and name disagree; a `ValueError`.
    DataError
        If the info does not describe a layer of voxels.
    """
    info = folder.read_json("info")
    if info is None:
        raise FileMissing(f"there is no precomputed layer at {folder.path}: it has no info file; check the path")
    try:
        levels = [_level(info, number, scale) for number, scale in enumerate(info["scales"])]
    except (KeyError, TypeError, ValueError, ArithmeticError, IndexError, AttributeError) as error:
        raise DataError(
            f"{folder.path}/info does not describe a layer of voxels ({type(error).__name__}: {error}); correct it"
        ) from error
    named = {level.key: level for level in levels}
    held = ", ".join(f"{level.mip}: {level.key} {level.size[::-1]}" for level in levels)
    if key and key not in named:
        raise ArrayMissing(f"no level {key!r} in {folder.path}; it has {held}")
    if key and mip not in (None, named[key].mip):
        raise SourceError(f"{folder.path}: mip={mip} and internal_path {key!r} are two levels; give one of them")
    number = named[key].mip if key else mip or 0
    if not 0 <= number < len(levels):
        raise ArrayMissing(f"no mip {number} in {folder.path}; it has {held or 'none'}")
    return levels[number]


def _level(info: dict[str, Any], mip: int, scale: dict[str, Any]) -> Level:
    dtype = str(info["data_type"]).lower()
    if dtype not in _DTYPES:
        raise ValueError(f"its data type is {dtype!r}")
    level = Level(
        mip=mip,
        key=str(scale["key"]),
        dtype=np.dtype(dtype),
        channels=int(info["num_channels"]),
        corner=_three(scale.get("voxel_offset", (0, 0, 0))),
        size=_three(scale["size"]),
        chunk=_three(scale["chunk_sizes"][0]),
        resolution=tuple(Decimal(str(size)) for size in scale["resolution"]),
        encoding=str(scale["encoding"]),
        sharded=scale.get("sharding") is not None,
    )
    positive = min(*level.chunk, level.channels) > 0 and all(size > 0 for size in level.resolution)
    if len(level.resolution) != 3 or not positive or min(level.size) < 0:
        raise ValueError(f"level {level.key}: {scale}")
    return level


def _three(numbers: Any) -> tuple[int, ...]:
    x, y, z = numbers
    return int(x), int(y), int(z)
