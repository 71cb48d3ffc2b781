"""The blocks of an N5 dataset, read and written one by one.

A block is one file: a header (mode, number of axes, extent) and its voxels, all big-endian, the voxels compressed.
Blocks that were never written hold zeros; blocks at the upper ends may be cut.
"""

import itertools
import math
import os
import struct
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from dalsegno.sources.errors import reading
from dalsegno.sources.formats.n5.codecs import decode, encode
from dalsegno.sources.indexing import Slices
from dalsegno.sources.storage.folder import StoredFolder

__all__ = ["N5Blocks"]

_AT_ONCE = 64
_VARIABLE_LENGTH = 1

Part = tuple[tuple[int, ...], Slices, Slices]


@frozen(eq=False)
class N5Blocks:
    """The blocks of a dataset.

    Attributes
    ----------
    folder
        Where the dataset is; only local ones can be written.
    shape, block
        Extent of the dataset and of a whole block in voxels, in C order: the reverse of what N5 writes down.
    dtype
        Of the voxels, in this machine's byte order.
    compression
        What the dataset's attributes say of it.
    """

    folder: StoredFolder
    shape: tuple[int, ...]
    block: tuple[int, ...]
    dtype: np.dtype[Any]
    compression: Mapping[str, Any]

    def read(self, roi: Slices) -> NDArray[Any]:
        """Read a box."""
        voxels = np.zeros([entry.stop - entry.start for entry in roi], self.dtype)
        parts = self._touched(roi)
        while some := list(itertools.islice(parts, _AT_ONCE)):
            stored = self._load([number for number, _, _ in some])
            for number, inside, outside in some:
                if number in stored:
                    part = stored[number][inside]
                    voxels[outside][tuple(map(slice, part.shape))] = part
        return voxels

    def write(self, roi: Slices, value: NDArray[Any]) -> None:
        """Write a box; blocks that it covers in part are read first."""
        for number, inside, outside in self._touched(roi):
            extent = [
                min(block, size - at * block) for at, block, size in zip(number, self.block, self.shape, strict=True)
            ]
            voxels = np.zeros(extent, self.dtype.newbyteorder(">"))
            if value[outside].shape != voxels.shape:
                for stored in self._load([number]).values():
                    voxels[tuple(map(slice, stored.shape))] = stored[tuple(map(slice, extent))]
            voxels[inside] = value[outside]
            self._store(number, voxels)

    def _touched(self, roi: Slices) -> Iterator[Part]:
        """Give the number of each block that a box touches, the part inside the block, and its place in the box."""
        axes = [list(_axis_parts(entry, size)) for entry, size in zip(roi, self.block, strict=True)]
        for parts in itertools.product(*axes):
            numbers, inside, outside = zip(*parts, strict=True) if parts else ((), (), ())
            yield numbers, inside, outside

    def _load(self, numbers: list[tuple[int, ...]]) -> dict[tuple[int, ...], NDArray[Any]]:
        """Return the blocks that are stored."""
        names = [_name(number) for number in numbers]
        found: dict[tuple[int, ...], NDArray[Any]] = {}
        for number, name, content in zip(numbers, names, self.folder.read(names), strict=True):
            if content is not None:
                with reading(f"the block {self.folder.path}/{name}"):
                    found[number] = self._unpacked(content)
        return found

    def _unpacked(self, content: bytes) -> NDArray[Any]:
        mode, ndim = struct.unpack_from(">HH", content)
        extent = struct.unpack_from(f">{ndim}I", content, 4)[::-1]
        if mode > _VARIABLE_LENGTH or ndim != len(self.shape):
            raise ValueError(f"its header says mode {mode} and {ndim} axes")
        start = 4 + 4 * ndim + (4 if mode == _VARIABLE_LENGTH else 0)
        count = math.prod(extent)
        voxels = decode(self.compression, content[start:], count * self.dtype.itemsize)
        return np.frombuffer(voxels, self.dtype.newbyteorder(">"), count).reshape(extent)

    def _store(self, number: tuple[int, ...], voxels: NDArray[Any]) -> None:
        header = struct.pack(f">HH{voxels.ndim}I", 0, voxels.ndim, *reversed(voxels.shape))
        path = Path(self.folder.path, _name(number))
        path.parent.mkdir(parents=True, exist_ok=True)
        written = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
        written.write_bytes(header + encode(self.compression, voxels))
        os.replace(written, path)  # noqa: PTH105 - others read the old block or the new one


def _name(number: tuple[int, ...]) -> str:
    return "/".join(map(str, reversed(number)))


def _axis_parts(entry: slice, size: int) -> Iterator[tuple[int, slice, slice]]:
    for number in range(entry.start // size, -(-entry.stop // size)):
        corner = number * size
        start, stop = max(entry.start, corner), min(entry.stop, corner + size)
        yield number, slice(start - corner, stop - corner), slice(start - entry.start, stop - entry.start)
