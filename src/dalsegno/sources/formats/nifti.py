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
_TURNED = 1e-5  # of a voxel: how far a step may lead aside
_NIFTI_2 = (540).to_bytes(4, "little")  # the size of its header, which it begins with


def open_nifti(
    path: str,
    internal_path: str,
    mode: str,  # noqa: ARG001 - never written
    storage_options: Mapping[str, Any] | None = None,
) -> StoredVoxels:
    """Open a NIfTI image, ``.nii`` or ``.nii.gz``, also by URL; it holds one array, ``"data"``.

    Voxels are read in the order in which they are stored, whatever the affine of the header says. Its translation is
    the offset if it neither turns nor flips an axis; else the offset is unknown.
    """
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

    return StoredVoxels(shape, dtype, read, geometry=_geometry(image, len(shape)))


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


def _geometry(image: Any, ndim: int) -> Geometry:
    zooms = [_decimal(zoom) for zoom in image.header.get_zooms()[:3]]
    unit = image.header.get_xyzt_units()[0]
    known = all(zoom.is_finite() and zoom > 0 for zoom in zooms)
    return Geometry(
        axes=("z", "y", "x")[-ndim:] if ndim <= 3 else None,
        voxel_size=tuple(reversed(zooms)) if known else None,
        offset=_offset(image)[-len(zooms) :] or None if known else None,
        units=None if unit == "unknown" else known_unit(unit),
        convention="NIfTI header",
    )


def _offset(image: Any) -> tuple[Decimal, ...]:
    """Return where voxel 0 is, (z, y, x); nothing if the header does not say, or if axes are turned or flipped.

    The translation of the header is taken as the corner, as that of an OME-Zarr image is.
    """
    header, affine = image.header, image.affine
    if not (header["sform_code"] > 0 or header["qform_code"] > 0):
        return ()  # nibabel then makes one up, with the origin in the middle
    scale = affine.diagonal()[:3]
    aligned = (scale > 0).all() and np.allclose(affine[:3, :3], np.diag(scale), rtol=0, atol=_TURNED * scale.min())
    corner = tuple(_decimal(number) for number in affine[2::-1, 3])
    return corner if aligned and all(number.is_finite() for number in corner) else ()


def _decimal(number: float) -> Decimal:
    """Return the decimal number that a number of 32 bits stands for."""
    return Decimal(str(np.float32(number))) + 0


FORMAT = FileFormat(
    name="nifti",
    extensions=(".nii", ".nii.gz"),
    open=open_nifti,
    library="nibabel",
    install="'dalsegno[nifti]'",
    default_key="data",
    remote=True,
)
