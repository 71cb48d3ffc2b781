"""Zarr: version 2 and 3, sharded or not. zarr-python knows the metadata and writes; tensorstore reads."""

import os
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dalsegno.errors import DataError
from dalsegno.sources.errors import ArrayMissing, FileMissing, SourceError
from dalsegno.sources.file_format import FileFormat, StoredVoxels
from dalsegno.sources.geometry import Geometry, known_unit
from dalsegno.sources.indexing import Slices

Attributes = dict[str, Any]


def open_zarr(path: str, internal_path: str, mode: str) -> StoredVoxels:
    """Open an array of a zarr container; `internal_path` may be empty where the array is the root."""
    array = _find(path, internal_path, mode)
    return StoredVoxels(
        shape=array.shape,
        dtype=array.dtype,
        read=_reader(array),
        write=None if mode == "r" else _writer(array),
        chunks=array.chunks,
        shards=array.shards,
        geometry=geometry_of(dict(array.attrs), array.ndim),
        attrs=array.attrs,
    )


def _find(path: str, internal_path: str, mode: str) -> Any:
    import zarr
    from zarr.errors import BaseZarrError

    try:
        found = zarr.open(path, path=internal_path or None, mode=mode)  # type: ignore[arg-type]
    except (FileNotFoundError, BaseZarrError) as error:
        root = _root(path)
        if root is None:
            raise FileMissing(
                f"{path} is no zarr container: it holds neither zarr.json nor .zgroup nor .zarray"
            ) from error
        names = _names(root)
        raise ArrayMissing(f"no array {internal_path!r} in {path}; it holds {names}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"the zarr metadata of {path} {internal_path} can't be read: {error}; rewrite it") from error
    if isinstance(found, zarr.Group):
        where = f"the group {internal_path!r} of {path}" if internal_path else path
        raise SourceError(f"{where} holds several arrays; name one as internal_path (dataset): {_names(found)}")
    return found


def _root(path: str) -> Any:
    import zarr
    from zarr.errors import BaseZarrError

    try:
        return zarr.open(path, mode="r")
    except (FileNotFoundError, BaseZarrError):
        return None


def _names(found: Any) -> str:
    if not hasattr(found, "members"):
        return "one array only, at its root"
    return ", ".join(sorted(name for name, _ in found.members())) or "nothing"


def _writer(array: Any) -> Callable[[Slices, NDArray[Any]], None]:
    def write(roi: Slices, value: NDArray[Any]) -> None:
        array[roi] = value

    return write


def _reader(array: Any) -> Callable[[Slices], NDArray[Any]]:
    fast = _tensorstore(array)
    if fast is None:
        return lambda roi: np.asarray(array[roi])
    return lambda roi: np.asarray(fast[roi].read().result())


def _tensorstore(array: Any) -> Any:
    """Open an array with tensorstore (less than half of zarr-python's time), or return None where it can't serve.

    tensorstore ends a process that was forked from one that has used it.
    """
    root = getattr(array.store, "root", None)
    if root is None or array.dtype.kind not in "biufc" or _tensorstore_process() != os.getpid():
        return None
    import tensorstore

    place = {"driver": "file", "path": str(Path(root) / array.path)}
    driver = "zarr3" if array.metadata.zarr_format == 3 else "zarr"
    try:
        opened = tensorstore.open({"driver": driver, "kvstore": place}, open=True, read=True).result()
    except (ValueError, NotImplementedError):
        return None  # a codec or data type that only zarr-python knows
    same = opened.shape == array.shape and opened.dtype.numpy_dtype == array.dtype.newbyteorder("=")
    return opened if same else None


@cache
def _tensorstore_process() -> int:
    return os.getpid()


def geometry_of(attributes: Attributes, ndim: int) -> Geometry:
    """Read the attributes ``offset``, ``voxel_size`` or ``resolution``, ``axis_names`` or ``axes``, and ``units``."""
    axes = _axes(attributes.get("axis_names", attributes.get("axes")), ndim)
    sizes = attributes.get("voxel_size", attributes.get("resolution"))
    channels = attributes.get("channels")
    return Geometry(
        axes=axes,
        voxel_size=_spatial(sizes, axes),
        offset=_spatial(attributes.get("offset"), axes),
        units=_one_unit(attributes.get("units")),
        channels=tuple(channels) if isinstance(channels, list) and all(isinstance(c, str) for c in channels) else None,
    )


def _axes(names: Any, ndim: int) -> tuple[str, ...] | None:
    if not isinstance(names, (str, list)) or len(names) != ndim or not all(isinstance(name, str) for name in names):
        return None
    # a trailing "^" marks an axis as a channel
    return tuple("c" if name.endswith("^") and name.startswith("c") else name.removesuffix("^") for name in names)


def _spatial(numbers: Any, axes: Sequence[str] | None) -> tuple[Decimal, ...] | None:
    """Return one number per spatial axis; some writers give one for the channels too."""
    if not isinstance(numbers, list) or not numbers:
        return None
    if axes is not None and len(numbers) == len(axes):
        numbers = [number for number, axis in zip(numbers, axes, strict=True) if axis != "c"]
    try:
        return tuple(Decimal(str(number)) for number in numbers)
    except InvalidOperation:
        return None


def _one_unit(units: Any) -> str | None:
    texts = [units] if isinstance(units, str) else units if isinstance(units, list) else []
    found = {known_unit(text) for text in texts if text}
    return found.pop() if len(found) == 1 else None


def _claims(path: Path) -> bool:
    return any((path / name).is_file() for name in ("zarr.json", ".zarray", ".zgroup"))


FORMAT = FileFormat(
    name="zarr",
    extensions=(".zarr", ".zr"),
    open=open_zarr,
    library="zarr",
    install="dalsegno",
    writable=True,
    claims=_claims,
)
