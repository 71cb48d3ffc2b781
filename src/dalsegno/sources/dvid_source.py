"""Voxels of a DVID server, over HTTP. Its points, sizes and units are in the order x, y, z; here they are z, y, x."""

import json
import math
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from dalsegno.errors import DataError
from dalsegno.sources.clients.dvid import get, server_url
from dalsegno.sources.errors import ReadOnly
from dalsegno.sources.geometry import Geometry, in_one_unit
from dalsegno.sources.indexing import Slices
from dalsegno.sources.registry import register_spec_kind
from dalsegno.sources.source import Source, SourceSpec

__all__ = ["DVIDSource"]

_REQUEST_BYTES = 64 * 2**20
_TIMEOUT = 60.0
_DTYPES = {f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)} | {"float32", "float64"}


class DVIDSource(Source):
    """A data instance of a DVID server that holds voxels, images or labels: axes (z, y, x), read only.

    It holds no connection, so threads and processes can share it. Voxels are counted from the instance's own first
    one, its `MinPoint`; what was never written within its extents is the server's background.

    Parameters
    ----------
    server
        Address, ``"http://host:port"``; without a scheme it is http.
    uuid
        The version, as much of it as makes it unique.
    name
        Name of the data instance.
    timeout
        How long the server may be silent, in seconds.

    Raises
    ------
    SourceError
        If the address is none, or holds credentials; a `ValueError`.
    ArrayMissing
        If the server knows no such version or instance; a `KeyError`.
    DataError
        If the server can't be reached or refuses, or the instance holds no voxels.
    """

    def __init__(self, server: str, uuid: str, name: str, *, timeout: float = _TIMEOUT) -> None:
        self._server = server_url(server)
        self._uuid = uuid
        self._name = name
        self._timeout = timeout
        self._url = f"{self._server}/api/node/{quote(uuid, safe=':~')}/{quote(name, safe='')}"
        self._info = self._read_info()
        self._dtype = self._find_dtype()
        low, high = self._extents()
        self._first = low
        self._shape = tuple(last - first + 1 for first, last in zip(low, high, strict=True))
        self._metadata = self._geometry()

    @property
    def info(self) -> dict[str, Any]:
        """What the server says about the instance."""
        return self._info

    @property
    def metadata(self) -> Geometry:
        """Voxel size, offset and units."""
        return self._metadata

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels per axis."""
        return self._shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the voxels."""
        return self._dtype

    @property
    def chunks(self) -> tuple[int, ...] | None:
        """Shape of the server's blocks."""
        blocks = self._info["Extended"].get("BlockSize")
        return tuple(map(int, reversed(blocks))) if blocks else None

    @property
    def writable(self) -> bool:
        """Servers are only read."""
        return False

    def _getitem(self, roi: Slices) -> NDArray[Any]:
        box = tuple(
            slice(first + entry.start, first + entry.stop) for first, entry in zip(self._first, roi, strict=True)
        )
        block = np.empty(_extent(box), self.dtype)
        for part in _parts(box, _REQUEST_BYTES // self.dtype.itemsize, self.chunks or (1, 1, 1)):
            corners = zip(part, box, strict=True)
            block[tuple(slice(a.start - b.start, a.stop - b.start) for a, b in corners)] = self._read(part)
        return block

    def _read(self, box: Slices) -> NDArray[Any]:
        extent = _extent(box)
        size = "_".join(str(number) for number in reversed(extent))
        offset = "_".join(str(entry.start) for entry in reversed(box))
        url = f"{self._url}/raw/0_1_2/{size}/{offset}"
        voxels = get(url, self._timeout)
        expected = math.prod(extent) * self.dtype.itemsize
        if len(voxels) != expected:
            raise DataError(
                f"{url}: the DVID server sent {len(voxels)} bytes, where {expected} make up the voxels; try again, or "
                "read another region"
            )
        return np.frombuffer(voxels, self.dtype.newbyteorder("<")).reshape(extent)

    def _setitem(self, roi: Slices, value: NDArray[Any]) -> None:  # noqa: ARG002
        raise ReadOnly(f"{self._url} is read-only; write to a zarr array instead")

    def to_spec(self) -> SourceSpec:
        """Return what asks the same server in another process."""
        timeout = {} if self._timeout == _TIMEOUT else {"timeout": self._timeout}
        return SourceSpec("dvid", self._server, self._name, {"uuid": self._uuid, **timeout})

    @staticmethod
    def reopen(spec: SourceSpec) -> "DVIDSource":
        """Open the data instance of a spec."""
        return DVIDSource(spec.path or "", name=spec.internal_path or "", **spec.params)

    def _read_info(self) -> dict[str, Any]:
        text = get(f"{self._url}/info", self._timeout)
        try:
            info = json.loads(text)
            described = isinstance(info["Base"], dict) and isinstance(info["Extended"], dict)
        except (ValueError, TypeError, KeyError):
            described = False
        if not described:
            raise DataError(
                f"{self._url}/info: the answer {text[:80]!r} describes no data of DVID; is this the address of a "
                "DVID server?"
            )
        return dict(info)

    def _find_dtype(self) -> np.dtype[Any]:
        kind, values = self._info["Base"].get("TypeName"), self._info["Extended"].get("Values") or []
        types = [value.get("DataType") for value in values]
        if len(types) == 1 and types[0] in _DTYPES:
            dtype: np.dtype[Any] = np.dtype(types[0])
            return dtype
        raise DataError(
            f"{self._url} is of type {kind} with the values {types} per voxel; what can be read is one number per "
            "voxel, such as uint8blk, labelblk and labelmap hold"
        )

    def _extents(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Return the first and the last voxel."""
        for place in (self._info["Extended"], self._info.get("Extents") or {}):
            low, high = place.get("MinPoint"), place.get("MaxPoint")
            if low and high:
                return tuple(map(int, reversed(low))), tuple(map(int, reversed(high)))
        raise DataError(f"{self._url} holds no voxels yet: the server knows no MinPoint and MaxPoint of it")

    def _geometry(self) -> Geometry:
        sizes, units = (self._info["Extended"].get(name) for name in ("VoxelSize", "VoxelUnits"))
        axes = ("z", "y", "x")
        if not sizes:
            return Geometry(axes=axes)
        voxel_size = [Decimal(str(size)) for size in reversed(sizes)]
        offset = [first * size for first, size in zip(self._first, voxel_size, strict=True)]
        unit, lengths = in_one_unit(list(reversed(units or [None] * 3)), [voxel_size, offset], what=self._url)
        return Geometry(axes, lengths[0], lengths[1], unit, convention="DVID")

    def __repr__(self) -> str:
        return f"DVIDSource({self._server!r}, {self._uuid!r}, {self._name!r}, shape={self.shape}, dtype={self.dtype})"


def _extent(box: Slices) -> tuple[int, ...]:
    return tuple(entry.stop - entry.start for entry in box)


def _parts(box: Slices, most: int, blocks: tuple[int, ...]) -> Iterator[Slices]:
    """Yield boxes of at most so many voxels that make up a box, cut between blocks where that is possible."""
    extent = _extent(box)
    if math.prod(extent) <= most:
        yield box
        return
    axis = max(range(len(box)), key=lambda axis: (extent[axis] > 1, extent[axis] / blocks[axis]))
    entry, block = box[axis], blocks[axis]
    middle = (entry.start + entry.stop) // 2
    borders = (middle // block * block, -(-middle // block) * block)
    cut = next((border for border in borders if entry.start < border < entry.stop), middle)
    for part in (slice(entry.start, cut), slice(cut, entry.stop)):
        yield from _parts((*box[:axis], part, *box[axis + 1 :]), most, blocks)


register_spec_kind("dvid", DVIDSource.reopen)
