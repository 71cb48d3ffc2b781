"""TIFF stacks: plain, ImageJ, OME; page by page, or mapped where nothing is compressed."""

import struct
import weakref
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import numpy as np

from dalsegno.errors import DataError
from dalsegno.sources.errors import reading
from dalsegno.sources.file_format import FileFormat, StoredVoxels
from dalsegno.sources.formats.tiff.codec import check_codec
from dalsegno.sources.formats.tiff.header import read_geometry
from dalsegno.sources.formats.tiff.image import TiffImage, find_image
from dalsegno.sources.formats.tiff.pages import DAMAGE, find_pages
from dalsegno.sources.geometry import Geometry
from dalsegno.sources.pages import page_reader
from dalsegno.sources.storage.remote import file_system, is_url, reaching

__all__ = ["FORMAT", "open_tiff"]

_REMOTE_BLOCK = 2**14  # the directories of the pages are small, and far from each other


def open_tiff(
    path: str,
    internal_path: str,
    mode: str,  # noqa: ARG001 - never written
    storage_options: Mapping[str, Any] | None = None,
    fill_missing: bool = False,
) -> StoredVoxels:
    """Open an image of a TIFF, also by URL.

    Parameters
    ----------
    path
        The file; of an OME-TIFF of several files any, the others beside it.
    internal_path
        Number of the image where the file holds several. It may be empty where there is one, or where all are
        equal pages: these are sections, axes (z, y, x).
    mode
        Files are only read.
    storage_options
        Those of fsspec for a URL.
    fill_missing
        Whether planes that no file has are zeros; else they are an error.

    Raises
    ------
    SourceError
        If there are several images and none is named; a `ValueError`.
    ArrayMissing
        If there is no such image; a `KeyError`.
    FileMissing
        If some of an image's files are missing; a `FileNotFoundError`.
    DataError
        If the file is damaged, or its compression needs a package that is not installed.
    """
    import tifffile

    with reading(path, also=DAMAGE), ExitStack() as stack:
        file = stack.enter_context(_remote_file(path, storage_options)) if is_url(path) else path
        tiff = stack.enter_context(tifffile.TiffFile(file))
        _check_chain(tiff, path)
        image = find_image(tiff, path, internal_path)
        check_codec(image.keyframe, path)
        geometry = read_geometry(tiff, image, path)
        if image.start is not None and not is_url(path):
            return _mapped(path, image, geometry)
        read = page_reader(image.leading, find_pages(tiff, image, path, fill_missing))
        chunks = (1,) * len(image.leading) + tuple(image.keyframe.shape)
        close = stack.pop_all().close
        voxels = StoredVoxels(image.shape, image.dtype, read, chunks=chunks, geometry=geometry, close=close)
        weakref.finalize(voxels, close)
        return voxels


def _remote_file(url: str, storage_options: Mapping[str, Any] | None) -> Any:
    system = file_system(url, storage_options)
    with reaching(url):
        return system.open(url, "rb", block_size=_REMOTE_BLOCK)


def _check_chain(tiff: Any, path: str) -> None:
    """Check that the last page is the last: tifffile takes a file that was cut off for a shorter stack."""
    file, layout = tiff.filehandle, tiff.tiff
    file.seek(tiff.pages[-1].offset)
    (tags,) = struct.unpack(layout.tagnoformat, file.read(layout.tagnosize))
    file.seek(tags * layout.tagsize, 1)
    (following,) = struct.unpack(layout.offsetformat, file.read(layout.offsetsize))
    if following >= file.size:
        raise DataError(f"{path} is cut off after {len(tiff.pages)} pages; copy it again: is the file complete?")


def _mapped(path: str, image: TiffImage, geometry: Geometry) -> StoredVoxels:
    voxels = np.memmap(path, image.dtype, "r", image.start or 0, image.shape)
    return StoredVoxels(image.shape, image.dtype, lambda roi: np.array(voxels[roi]), geometry=geometry)


FORMAT = FileFormat(
    name="tiff",
    extensions=(".tif", ".tiff"),
    open=open_tiff,
    library="tifffile",
    install="dalsegno",
    remote=True,
)
