"""N5, with its axes reversed to C order: z, y, x. tensorstore reads and writes where it can, `N5Blocks` elsewhere."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dalsegno.errors import DataError
from dalsegno.sources.errors import ArrayMissing, FileMissing, SourceError, reading
from dalsegno.sources.file_format import FileFormat, StoredVoxels
from dalsegno.sources.formats.n5.attributes import ATTRIBUTES, OWN, N5Attributes, geometry_of, of_user
from dalsegno.sources.formats.n5.blocks import N5Blocks
from dalsegno.sources.formats.n5.codecs import READ_ONLY, check_compression
from dalsegno.sources.indexing import Slices
from dalsegno.sources.storage.folder import StoredFolder
from dalsegno.sources.storage.tensorstore import tensorstore_works

_DTYPES = ("uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "float32", "float64")
_SHOWN, _VISITED = 20, 200


def open_n5(path: str, internal_path: str, mode: str, storage_options: Mapping[str, Any] | None = None) -> StoredVoxels:
    """Open a dataset of an N5 container, also by URL; `internal_path` may be empty where the path is the dataset."""
    container = StoredFolder(path, storage_options)
    folder = container.at(internal_path)
    attributes = _attributes(container, folder, internal_path)
    blocks = _blocks(folder, attributes)
    if mode != "r" and not folder.is_local:
        raise SourceError(f"{path}: N5 is only read by URL; leave out mode={mode!r}, or copy it to a disk")
    if mode != "r" and blocks.compression["type"] in READ_ONLY:
        raise SourceError(f"{folder.path}: {blocks.compression['type']} blocks are only read; leave out mode={mode!r}")
    fast = cache(lambda: _tensorstore(blocks, mode))

    def read(roi: Slices) -> NDArray[Any]:
        with reading(folder.path):
            opened = fast()
            return blocks.read(roi) if opened is None else np.asarray(opened[roi].read().result())

    def write(roi: Slices, value: NDArray[Any]) -> None:
        with reading(folder.path):
            opened = fast()
            blocks.write(roi, value) if opened is None else opened[roi].write(value).result()

    return StoredVoxels(
        shape=blocks.shape,
        dtype=blocks.dtype,
        read=read,
        write=None if mode == "r" else write,
        chunks=blocks.block,
        geometry=geometry_of(folder, attributes, len(blocks.shape)),
        attrs=N5Attributes(Path(folder.path, ATTRIBUTES)) if mode != "r" else of_user(attributes),
    )


def _attributes(container: StoredFolder, folder: StoredFolder, internal_path: str) -> dict[str, Any]:
    """Return the attributes of a dataset."""
    attributes = folder.read_json(ATTRIBUTES)
    if attributes is not None and "dimensions" in attributes:
        return attributes
    held = ", ".join(_datasets(container, internal_path.strip("/"))) or "no datasets"
    if attributes is not None or (internal_path and folder.folders()):
        where = f"the group {internal_path!r} of {container.path}" if internal_path else container.path
        raise SourceError(f"{where} holds {held}; name one as internal_path (dataset)")
    if internal_path:
        held = ", ".join(_datasets(container, "")) or "no datasets"
        raise ArrayMissing(f"no dataset {internal_path!r} in {container.path}; it holds {held}")
    if held == "no datasets":
        raise FileMissing(f"{container.path} is no N5 container: neither it nor a folder inside has {ATTRIBUTES}")
    raise SourceError(f"{container.path} holds {held}; name one as internal_path (dataset)")


def _datasets(container: StoredFolder, group: str) -> list[str]:
    """Return the names of the datasets in a group, with their shapes; a few of them where there are many."""
    found: list[str] = []
    waiting = [group]
    for _ in range(_VISITED):
        if not waiting or len(found) == _SHOWN:
            break
        name = waiting.pop(0)
        attributes = container.at(name).read_json(ATTRIBUTES) or {}
        if "dimensions" in attributes:
            found.append(f"{name} {tuple(reversed(attributes['dimensions']))}")
        else:
            waiting += [f"{name}/{inside}".strip("/") for inside in container.at(name).folders()]
    return found + ["more"] * bool(waiting)


def _blocks(folder: StoredFolder, attributes: dict[str, Any]) -> N5Blocks:
    what = f"{folder.path}/{ATTRIBUTES}"
    compression = attributes.get("compression", {"type": attributes.get("compressionType")})
    sizes: list[Any] = [attributes.get(name) for name in ("dimensions", "blockSize")]
    whole = all(isinstance(size, list) and all(type(n) is int and n >= 0 for n in size) for size in sizes)
    if not whole or len(sizes[0]) != len(sizes[1]) or 0 in sizes[1] or not isinstance(compression, dict):
        told = {name: attributes.get(name) for name in OWN if name in attributes}
        raise DataError(f"{what} does not describe a dataset: {told}; correct it")
    if attributes.get("dataType") not in _DTYPES:
        raise DataError(f"{what} says data type {attributes.get('dataType')!r}, but voxels are {', '.join(_DTYPES)}")
    check_compression(compression, folder.path)
    shape, block = (tuple(reversed(size)) for size in sizes)
    return N5Blocks(folder, shape, block, np.dtype(attributes["dataType"]), compression)


def _tensorstore(blocks: N5Blocks, mode: str) -> Any:
    """Open a dataset with tensorstore; None where that can't serve."""
    if not blocks.folder.is_local or not tensorstore_works():
        return None
    import tensorstore

    place = {"driver": "file", "path": blocks.folder.path}
    try:
        opened = tensorstore.open({"driver": "n5", "kvstore": place}, open=True, read=True, write=mode != "r").result()
    except (ValueError, NotImplementedError):
        return None  # a compression, or a field of its options, that it does not know
    return opened.T if opened.T.shape == blocks.shape else None


def _claims(path: Path) -> bool:
    attributes = StoredFolder(str(path)).read_json(ATTRIBUTES) or {}
    return "n5" in attributes or {"dimensions", "blockSize"} <= attributes.keys()


FORMAT = FileFormat(
    name="n5",
    extensions=(".n5",),
    open=open_n5,
    library="tensorstore",
    install="dalsegno",
    writable=True,
    claims=_claims,
    remote=True,
)
