"""Zarr: version 2 and 3, sharded or not. zarr-python knows the metadata and writes; tensorstore reads."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dalsegno.errors import DataError
from dalsegno.sources.attributes import geometry_from_attributes
from dalsegno.sources.errors import ArrayMissing, FileMissing, SourceError
from dalsegno.sources.file_format import FileFormat, StoredVoxels
from dalsegno.sources.indexing import Slices
from dalsegno.sources.tensorstore import tensorstore_works


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
        geometry=geometry_from_attributes(dict(array.attrs), array.ndim, dimension_names=_dimension_names(array)),
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
    """Open an array with tensorstore (less than half of zarr-python's time), or return None where it can't serve."""
    root = getattr(array.store, "root", None)
    if root is None or array.dtype.kind not in "biufc" or not tensorstore_works():
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


def _dimension_names(array: Any) -> Any:
    return getattr(array.metadata, "dimension_names", None)


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
