"""NIfTI, presented with the axes reversed: z, y, x."""

import gzip
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dalsegno.errors import DataError
from dalsegno.sources.errors import ArrayMissing, reading
from dalsegno.sources.file_format import FileFormat, StoredVoxels
from dalsegno.sources.geometry import Geometry, known_unit
from dalsegno.sources.indexing import Slices
from dalsegno.sources.storage.remote import is_url, open_binary

_KEPT_BYTES = 512 * 2**20
_NIFTI_2 = (540).to_bytes(4, "little")  # the size of its header, which it begins with


def open_nifti(
    path: str,
    internal_path: str,
    mode: str,  # noqa: ARG001 - never written
    storage_options: Mapping[str, Any] | None = None,
) -> StoredVoxels:
    """Open a NIfTI image, ``.nii`` or ``.nii.gz``, also by URL; it holds one array, ``"data"``."""
    if internal_path not in ("", "data"):
        raise ArrayMissing(f"no array {internal_path!r} in {path}; a NIfTI file holds one, 'data'")
    with reading(path):
        image = _load(path, storage_options)
    stored, dtype = image.dataobj, _dtype(image)
    shape = tuple(int(size) for size in reversed(stored.shape))
    packed = path.lower().endswith(".gz") and int(np.prod(shape)) * dtype.itemsize <= _KEPT_BYTES

    @cache
    def unpacked() -> NDArray[Any]:
        return np.asarray(stored[...], dtype)

    def read(roi: Slices) -> NDArray[Any]:
        # a compressed file is unpacked from its start for every read, so a small one is kept
        with reading(f"the voxels of {path}"):
            block = unpacked()[roi[::-1]] if packed else stored[roi[::-1]]
        return np.array(block, dtype).T

    return StoredVoxels(shape, dtype, read, geometry=_geometry(image.header, len(shape)))


def _load(path: str, storage_options: Mapping[str, Any] | None) -> Any:
    import nibabel
    from nibabel.filebasedimages import ImageFileError
    from nibabel.spatialimages import HeaderDataError

    try:
        if not is_url(path):
            return nibabel.load(path)
        file = open_binary(path, storage_options)
        stream = gzip.GzipFile(fileobj=file) if path.lower().endswith(".gz") else file
        start = stream.read(4)
        stream.seek(0)
        kind = nibabel.Nifti2Image if _NIFTI_2 in (start, start[::-1]) else nibabel.Nifti1Image
        return kind.from_stream(stream)
    except (ImageFileError, HeaderDataError) as error:
        raise DataError(f"{path} is no NIfTI image ({error}); is the file complete?") from error


def _dtype(image: Any) -> np.dtype[Any]:
    """Return the type of the voxels after the header's scaling, which turns integers into floats."""
    stored: np.dtype[Any] = np.dtype(image.dataobj.dtype).newbyteorder("=")
    if (image.dataobj.slope, image.dataobj.inter) == (1.0, 0.0):
        return stored
    return np.dtype(np.result_type(stored, np.float32))


def _geometry(header: Any, ndim: int) -> Geometry:
    zooms = [Decimal(str(np.float32(zoom))) for zoom in header.get_zooms()[:3]]
    unit = header.get_xyzt_units()[0]
    return Geometry(
        axes=("z", "y", "x")[-ndim:] if ndim <= 3 else None,
        voxel_size=tuple(reversed(zooms)) if all(zoom > 0 for zoom in zooms) else None,
        units=None if unit == "unknown" else known_unit(unit),
    )


FORMAT = FileFormat(
    name="nifti",
    extensions=(".nii", ".nii.gz"),
    open=open_nifti,
    library="nibabel",
    install="'dalsegno[nifti]'",
    default_key="data",
    remote=True,
)
