"""MRC: maps and tomograms, with the rows flipped so that the first is on top, as in other images."""

import math
import warnings
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from dalsegno.errors import DataError
from dalsegno.sources.errors import ArrayMissing, reading
from dalsegno.sources.file_format import FileFormat, StoredVoxels
from dalsegno.sources.geometry import Geometry, short_decimal
from dalsegno.sources.indexing import Slices

_EXTENSIONS = (".mrc", ".mrcs", ".rec", ".map", ".st")
_PACKED = (".gz", ".bz2")
_IMOD = int.from_bytes(b"IMOD", "little")
_SIGNED_BYTES, _PLAIN_ORIGIN = 1, 4
_ROWS = -2


@frozen(eq=False)
class _Header:
    """What the header says.

    Attributes
    ----------
    fields
        The header as a numpy record.
    dtype, shape
        Of the voxels, as stored.
    start
        Where the voxels begin, in bytes.
    """

    fields: Any
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    start: int

    def imod_flag(self, flag: int) -> bool | None:
        """Return a flag of the IMOD package; None if that did not write the file."""
        stamp, flags = np.frombuffer(self.fields.tobytes(), self.fields["nx"].dtype, 2, 152)
        return bool(int(flags) & flag) if int(stamp) == _IMOD else None


def open_mrc(path: str, internal_path: str, mode: str, flip_y: bool = True) -> StoredVoxels:  # noqa: ARG001
    """Open an MRC file, which may be packed with gzip or bzip2; it holds one array, ``"data"``.

    The first row of an MRC file is the lowest. Rows are flipped, axis -2 of what is read, unless `flip_y`
    is off. World y then points down: it is the header's with the sign turned.
    """
    if internal_path not in ("", "data"):
        raise ArrayMissing(f"no array {internal_path!r} in {path}; an MRC file holds one, 'data'")
    with reading(path):
        header = _read_header(path)
        stored = _voxels(path, header)

    def read(roi: Slices) -> NDArray[Any]:
        voxels = stored()[..., ::-1, :] if flip_y else stored()
        return np.array(voxels[roi])

    return StoredVoxels(header.shape, header.dtype, read, geometry=_geometry(header, flip_y))


def _read_header(path: str) -> _Header:
    """Read a header, also one whose machine stamp or map name is wrong, if the size of the file is right."""
    import mrcfile

    try:
        with mrcfile.open(path, header_only=True) as mrc:
            return _understood(mrc.header)
    except ValueError as strict:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with mrcfile.open(path, header_only=True, permissive=True) as mrc:
                header = _understood(mrc.header) if mrc.header is not None else None
        if header is None or _end(header) != _size(path):
            raise DataError(f"{path} is no MRC file: {strict}; is the file complete?") from strict
        return header


def _understood(fields: Any) -> _Header:
    from mrcfile.utils import data_dtype_from_header, data_shape_from_header

    header = _Header(
        fields.copy(),
        data_dtype_from_header(fields),
        data_shape_from_header(fields),
        fields.nbytes + int(fields.nsymbt),
    )
    if min(header.shape) < 1 or int(fields.nsymbt) < 0:
        raise ValueError(f"its header says shape {header.shape}")
    if header.dtype == np.int8 and header.imod_flag(_SIGNED_BYTES) is False:
        return _Header(header.fields, np.dtype(np.uint8), header.shape, header.start)
    return header


def _end(header: _Header) -> int:
    return header.start + header.dtype.itemsize * math.prod(header.shape)


def _size(path: str) -> int:
    return Path(path).stat().st_size


def _voxels(path: str, header: _Header) -> Callable[[], NDArray[Any]]:
    """Return what gives all voxels as stored: mapped, or unpacked when they are read first and kept."""
    import mrcfile

    if not path.lower().endswith(_PACKED):
        if _size(path) < _end(header):
            raise DataError(
                f"{path} is cut off: its header says {_end(header)} bytes, and it has {_size(path)}; copy it again"
            )
        mapped = np.memmap(path, header.dtype, "r", header.start, header.shape)
        return lambda: mapped

    @cache
    def unpacked() -> NDArray[Any]:
        with reading(path), mrcfile.open(path) as mrc:
            return np.asarray(mrc.data).view(header.dtype)

    return unpacked


def _geometry(header: _Header, flip_y: bool) -> Geometry:
    fields = header.fields
    order = tuple(int(fields[name]) for name in ("maps", "mapr", "mapc"))
    names = tuple("xyz"[number - 1] for number in order) if sorted(order) == [1, 2, 3] else ("z", "y", "x")
    axes = names[-min(3, len(header.shape)) :]
    sizes = {axis: _voxel_size(fields, axis) for axis in axes}
    voxel_size = tuple(size for size in sizes.values() if size is not None)
    known = len(voxel_size) == len(axes)
    return Geometry(
        axes=axes if len(header.shape) <= 3 else None,
        voxel_size=voxel_size if known else None,
        offset=_offset(header, axes, voxel_size, flip_y) if known else None,
        units="angstrom" if known else None,
        convention="MRC header",
    )


def _voxel_size(fields: Any, axis: str) -> Decimal | None:
    cell, samples = float(fields["cella"][axis]), int(fields[f"m{axis}"])
    return short_decimal(cell / samples) if cell > 0 and samples > 0 else None


def _offset(
    header: _Header, axes: tuple[str, ...], voxel_size: tuple[Decimal, ...], flip_y: bool
) -> tuple[Decimal, ...] | None:
    """Return where the lower corner is, from the origin, else from the number of the first voxel; None if unset."""
    fields = header.fields
    origins = [Decimal(str(np.float32(fields["origin"][axis]))) for axis in axes]
    # the start is counted along columns, rows and sections
    starts = [int(fields[name]) for name in ("nzstart", "nystart", "nxstart")][-len(axes) :]
    if any(origins) and all(origin.is_finite() for origin in origins):
        # IMOD gives the way from the first voxel to the origin, unless this flag is set
        sign = -1 if header.imod_flag(_PLAIN_ORIGIN) is False else 1
        corner = [sign * origin + 0 for origin in origins]
    elif any(starts):
        corner = [start * size for start, size in zip(starts, voxel_size, strict=True)]
    else:
        return None
    if flip_y:
        corner[_ROWS] = -(corner[_ROWS] + header.shape[_ROWS] * voxel_size[_ROWS])
    return tuple(corner)


FORMAT = FileFormat(
    name="mrc",
    extensions=(*_EXTENSIONS, *(extension + packed for extension in _EXTENSIONS for packed in _PACKED)),
    open=open_mrc,
    library="mrcfile",
    install="'dalsegno[mrc]'",
    default_key="data",
)
