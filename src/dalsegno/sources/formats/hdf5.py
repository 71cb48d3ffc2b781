"""HDF5, read and written with h5py."""

from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from dalsegno.errors import DataError
from dalsegno.sources.attributes import geometry_from_attributes
from dalsegno.sources.errors import ArrayMissing, SourceError, reading
from dalsegno.sources.file_format import FileFormat, StoredVoxels
from dalsegno.sources.indexing import Slices
from dalsegno.sources.storage.remote import is_url, open_binary

_SHOWN = 20
_NUMBERS = "biufc"


def open_hdf5(
    path: str, internal_path: str, mode: str, storage_options: Mapping[str, Any] | None = None
) -> StoredVoxels:
    """Open a dataset of an HDF5 file, also by URL; `internal_path` may be empty where the file holds only one."""
    file = _open_file(path, mode, storage_options)
    try:
        with reading(path):
            return voxels_of(_find(file, path, internal_path), writable=mode != "r", close=file.close)
    except BaseException:
        file.close()
        raise


def voxels_of(dataset: Any, *, writable: bool, close: Any = lambda: None) -> StoredVoxels:
    """Return the voxels of an open h5py dataset.

    Raises
    ------
    DataError
        If it does not hold numbers.
    """
    what = f"{dataset.file.filename} {dataset.name}"
    if dataset.shape is None or dataset.dtype.kind not in _NUMBERS:
        raise DataError(f"{what} holds {dataset.dtype}, but voxels are numbers; choose another dataset")

    def opened() -> Any:
        if not dataset:
            raise DataError(f"{what} was closed; open it again")
        return dataset

    def read(roi: Slices) -> NDArray[Any]:
        with reading(what):
            return np.asarray(opened()[roi])

    def write(roi: Slices, value: NDArray[Any]) -> None:
        with reading(what):
            opened()[roi] = value

    attributes = _Attributes(dataset.attrs)
    return StoredVoxels(
        shape=dataset.shape,
        dtype=dataset.dtype,
        read=read,
        write=write if writable else None,
        chunks=dataset.chunks,
        geometry=geometry_from_attributes(
            attributes, dataset.ndim, dimension_names=_dimension_names(dataset), what=what
        ),
        attrs=attributes,
        close=close,
    )


def _open_file(path: str, mode: str, storage_options: Mapping[str, Any] | None) -> Any:
    import h5py

    if is_url(path):
        if mode != "r":
            raise SourceError(f"{path}: HDF5 files are only read by URL; leave out mode={mode!r}, or copy it to a disk")
        with reading(path):
            return h5py.File(open_binary(path, storage_options), "r")
    with reading(path):
        try:
            return h5py.File(path, mode)
        except OSError as error:
            if isinstance(error, BlockingIOError):
                raise DataError(
                    f"{path} is open in another process, which locks it while it is written; close it there"
                ) from error
            if "already open" in str(error):
                raise DataError(
                    f"{path} is open for reading in this process, so it can't be opened for writing; close it first"
                ) from error
            raise


def _find(file: Any, path: str, internal_path: str) -> Any:
    import h5py

    if not internal_path:
        held = _datasets(file)
        if len(held) == 1:
            return held[0]
        raise SourceError(f"{path} holds {_listed(held)}; name one as internal_path (dataset)")
    try:
        found = file[internal_path]
    except (KeyError, ValueError) as error:
        raise ArrayMissing(f"no dataset {internal_path!r} in {path}; it holds {_listed(_datasets(file))}") from error
    if not isinstance(found, h5py.Dataset):
        raise SourceError(
            f"{internal_path!r} of {path} is a group, which holds {_listed(_datasets(found))}; "
            "name one as internal_path (dataset)"
        )
    return found


def _datasets(group: Any) -> list[Any]:
    """Return the datasets in a group that hold numbers, a few of them where there are many."""
    import h5py

    found: list[Any] = []

    def visit(name: str, item: Any) -> bool | None:  # noqa: ARG001 - visititems gives it
        if isinstance(item, h5py.Dataset) and item.shape and item.dtype.kind in _NUMBERS:
            found.append(item)
        return True if len(found) > _SHOWN else None

    group.visititems(visit)
    return found


def _listed(datasets: list[Any]) -> str:
    names = [f"{dataset.name.strip('/')} {dataset.shape}" for dataset in datasets[:_SHOWN]]
    more = " and more" if len(datasets) > _SHOWN else ""
    return ", ".join(names) + more if names else "no datasets of numbers"


def _dimension_names(dataset: Any) -> list[str] | None:
    """Return the labels of the axes, or the names of the scales that are attached to them."""
    names = []
    for dimension in dataset.dims:
        scales = [name for name in dimension.keys() if name]  # noqa: SIM118 - it is no mapping
        names.append(dimension.label or (scales[0] if scales else ""))
    return names if all(names) else None


@frozen(eq=False)
class _Attributes(MutableMapping[str, Any]):
    """The attributes of a dataset as plain values; those that are none (references, records) are left out."""

    stored: Any

    def __getitem__(self, name: str) -> Any:
        value = self.stored[name]
        if not _is_plain(value):
            raise KeyError(name)
        return _plain(value)

    def __setitem__(self, name: str, value: Any) -> None:
        self.stored[name] = value

    def __delitem__(self, name: str) -> None:
        del self.stored[name]

    def __iter__(self) -> Iterator[str]:
        return (name for name in self.stored if _is_plain(self.stored[name]))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _is_plain(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "biufSU" or all(isinstance(one, (str, bytes)) for one in value.flat)
    return isinstance(value, (str, bytes)) or (isinstance(value, np.generic) and value.dtype.kind in "biufSU")


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray) and value.ndim:
        return [_plain(one) for one in value]
    value = value[()] if isinstance(value, np.ndarray) else value
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, np.floating):
        return float(str(value))  # 0.1 of 32 bits stays 0.1
    return value.item() if isinstance(value, np.generic) else value


FORMAT = FileFormat(
    name="hdf5",
    extensions=(".h5", ".hdf", ".hdf5"),
    open=open_hdf5,
    library="h5py",
    install="dalsegno",
    writable=True,
    remote=True,
)
