"""Open datasets of h5py and z5py as sources: they reopen as the file they are of."""

from typing import Any

from dalsegno.sources.array_source import ArraySource
from dalsegno.sources.file_source import FileSource
from dalsegno.sources.registry import register_source

_ON_DISK = ("sec2", "stdio", "windows")


def _is_h5py(obj: Any) -> bool:
    return _package(obj) == "h5py" and hasattr(obj, "file") and hasattr(obj, "shape")


def _package(obj: Any) -> str:
    return type(obj).__module__.partition(".")[0]


def _from_h5py(dataset: Any) -> ArraySource:
    from dalsegno.sources.formats.hdf5 import voxels_of

    file = dataset.file
    if file.driver not in _ON_DISK:
        return ArraySource(dataset)
    writable = file.mode != "r"
    return FileSource(
        voxels_of(dataset, writable=writable),
        path=file.filename,
        internal_path=dataset.name.strip("/"),
        format="hdf5",
        mode="r+" if writable else "r",
        writable=writable,
    )


register_source(_is_h5py, _from_h5py)
