"""Open datasets of h5py and z5py as sources: they reopen as the file they are of."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dalsegno.sources.array_source import ArraySource
from dalsegno.sources.attributes import geometry_from_attributes
from dalsegno.sources.file_format import StoredVoxels
from dalsegno.sources.file_source import FileSource, open_source
from dalsegno.sources.indexing import Slices
from dalsegno.sources.registry import register_source, register_spec_kind
from dalsegno.sources.source_spec import SourceSpec

_ON_DISK = ("sec2", "stdio", "windows")


def _is_h5py(obj: Any) -> bool:
    return _package(obj) == "h5py" and hasattr(obj, "file") and hasattr(obj, "shape")


def _is_z5py(obj: Any) -> bool:
    return _package(obj) == "z5py" and hasattr(obj, "file") and hasattr(obj, "shape")


def _package(obj: Any) -> str:
    return type(obj).__module__.partition(".")[0]


def _from_h5py(dataset: Any) -> ArraySource:
    from dalsegno.sources.formats.hdf5 import voxels_of

    file = dataset.file
    if file.driver not in _ON_DISK:
        return ArraySource(dataset)
    writable = file.mode != "r"
    voxels = voxels_of(dataset, writable=writable)
    return _file_source(voxels, file.filename, dataset.name, "hdf5", writable)


def _from_z5py(dataset: Any) -> ArraySource:
    file = dataset.file
    if not hasattr(file, "filename"):
        return ArraySource(dataset)  # in S3
    writable = file._handle.mode().can_write()  # noqa: SLF001 - z5py tells it nowhere else
    attributes = dict(dataset.attrs)

    def read(roi: Slices) -> NDArray[Any]:
        return np.asarray(dataset[roi])

    def write(roi: Slices, value: NDArray[Any]) -> None:
        dataset[roi] = np.ascontiguousarray(value)  # z5py broadcasts nothing

    voxels = StoredVoxels(
        shape=dataset.shape,
        dtype=dataset.dtype,
        read=read,
        write=write if writable else None,
        chunks=dataset.chunks,
        shards=dataset.shards,
        geometry=geometry_from_attributes(attributes, dataset.ndim, reverse=not dataset.is_zarr, what=dataset.name),
        attrs=dataset.attrs,
    )
    return _file_source(voxels, file.filename, dataset.name, "zarr" if dataset.is_zarr else "n5", writable)


def _file_source(voxels: StoredVoxels, path: str, name: str, format: str, writable: bool) -> FileSource:
    mode = "r+" if writable else "r"
    return FileSource(voxels, path=path, internal_path=name.strip("/"), format=format, mode=mode, writable=writable)


def _reopen_z5py(spec: SourceSpec) -> FileSource:
    return open_source(spec.path or "", spec.internal_path, **spec.params)


register_source(_is_h5py, _from_h5py)
register_source(_is_z5py, _from_z5py)
register_spec_kind("z5py", _reopen_z5py)
