"""Zarr: version 2 and 3, sharded or not, and OME-Zarr. zarr-python writes; tensorstore reads local files."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dalsegno.errors import DataError
from dalsegno.sources.errors import SourceError
from dalsegno.sources.file_format import FileFormat, StoredVoxels
from dalsegno.sources.formats.zarr.attributes import StoredAttributes
from dalsegno.sources.formats.zarr.hierarchy import Hierarchy, Node
from dalsegno.sources.formats.zarr.selection import Selection
from dalsegno.sources.indexing import Slices
from dalsegno.sources.ome_zarr.multiscale_image import PixelConvention
from dalsegno.sources.storage.remote import reaching
from dalsegno.sources.storage.tensorstore import tensorstore_works


def open_zarr(  # noqa: PLR0913 - the options of the format
    path: str,
    internal_path: str,
    mode: str,
    level: int | None = None,
    image: str | None = None,
    pixel_convention: PixelConvention = "centre",
    storage_options: dict[str, Any] | None = None,
) -> StoredVoxels:
    """Open an array of a zarr container.

    Parameters
    ----------
    path
        The container, or a path or URL that leads into it.
    internal_path
        An array, or the group of an OME-Zarr image; may be empty where the root is one.
    mode
        ``"r"`` or ``"r+"``.
    level
        Which resolution of an image, 0 (the finest) if not given.
    image
        Name of the image where a group describes several; else the first.
    pixel_convention
        Whether translations of an image are places of voxels' centres, as in most files, or of their corners.
    storage_options
        Options of fsspec for a URL.
    """
    if pixel_convention not in ("centre", "corner"):
        raise SourceError(f"pixel_convention {pixel_convention!r} is none of 'centre' and 'corner'")
    if level is not None and (isinstance(level, bool) or not isinstance(level, int)):
        raise SourceError(f"level {level!r} is no whole number; 0 is the finest")
    hierarchy = Hierarchy(path, storage_options)
    node, geometry = Selection(hierarchy, level, image, pixel_convention).find(internal_path)
    array = _array(hierarchy, node, mode)
    where = f"{hierarchy.root}/{node.path}".rstrip("/")
    return StoredVoxels(
        shape=array.shape,
        dtype=array.dtype,
        read=_reader(hierarchy, node, array, where),
        write=None if mode == "r" else _writer(hierarchy, array, where),
        chunks=array.chunks,
        shards=array.shards,
        geometry=geometry,
        attrs=StoredAttributes(array, node),
    )


def _array(hierarchy: Hierarchy, node: Node, mode: str) -> Any:
    """Return zarr-python's array from metadata that was read already."""
    import zarr
    from zarr.storage import StorePath

    document = {**(node.document or {}), "attributes": dict(node.attributes or {})}
    try:
        return zarr.Array.from_dict(StorePath(hierarchy.store(mode), node.path), document)
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"the zarr metadata of {hierarchy.root} {node.path} can't be read: {error}; rewrite it"
        ) from error


def _writer(hierarchy: Hierarchy, array: Any, where: str) -> Callable[[Slices, NDArray[Any]], None]:
    def write(roi: Slices, value: NDArray[Any]) -> None:
        array[roi] = value

    def write_remote(roi: Slices, value: NDArray[Any]) -> None:
        with reaching(where):
            array[roi] = value

    return write_remote if hierarchy.remote else write


def _reader(hierarchy: Hierarchy, node: Node, array: Any, where: str) -> Callable[[Slices], NDArray[Any]]:
    fast = None if hierarchy.remote else _tensorstore(hierarchy, node, array)
    sharded = hierarchy.root.startswith("http") and array.shards is not None
    advice = "sharded arrays need a server that answers requests for ranges" if sharded else "is the array complete?"

    def read(roi: Slices) -> NDArray[Any]:
        try:
            voxels: NDArray[Any] = np.asarray(array[roi]) if fast is None else fast[roi].read().result()
        except (ValueError, RuntimeError) as error:
            raise DataError(f"the voxels of {where} can't be read: {error}; {advice}") from error
        return voxels

    def read_remote(roi: Slices) -> NDArray[Any]:
        with reaching(where, advice=advice if sharded else "is the server up?"):
            return read(roi)

    return read_remote if hierarchy.remote else read


def _tensorstore(hierarchy: Hierarchy, node: Node, array: Any) -> Any:
    """Open an array with tensorstore (less than half of zarr-python's time), or return None where it can't serve."""
    if array.dtype.kind not in "biufc" or not tensorstore_works():
        return None
    import tensorstore

    spec = {
        "driver": "zarr3" if node.zarr_format == 3 else "zarr",
        "kvstore": {"driver": "file", "path": str(Path(hierarchy.root) / node.path) + "/"},
        "metadata": {name: value for name, value in (node.document or {}).items() if name != "attributes"},
    }
    try:
        opened = tensorstore.open(spec, open=True, read=True, assume_metadata=True).result()
    except (ValueError, NotImplementedError):
        return None  # a codec or data type that only zarr-python knows
    same = opened.shape == array.shape and opened.dtype.numpy_dtype == array.dtype.newbyteorder("=")
    return opened if same else None


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
    remote=True,
)
