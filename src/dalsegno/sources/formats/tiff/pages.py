"""How the pages of a TIFF are read, by many threads at once."""

import math
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
from numpy.typing import NDArray

from dalsegno.errors import DataError
from dalsegno.sources.errors import FileMissing, reading
from dalsegno.sources.formats.tiff.image import TiffImage
from dalsegno.sources.storage.remote import is_url

__all__ = ["DAMAGE", "find_pages"]

DAMAGE = (ArithmeticError, LookupError, TypeError)
"""What tifffile raises on damaged headers, besides the usual: it trusts their numbers."""

_NAMED = 10

ReadPage = Callable[[int], NDArray[np.generic]]


def find_pages(tiff: Any, image: TiffImage, path: str, fill_missing: bool) -> ReadPage:
    """Return what reads a page of an image by its number.

    Raises
    ------
    FileMissing
        If other files, which have some of the pages, are missing; a `FileNotFoundError`.
    DataError
        If the header promises pages that no file has, or a page can't be read.
    """
    tiff.filehandle.set_lock(True)
    if image.start is not None:
        return _plain_pages(tiff, image, path)
    pages = image.listed_pages(path)
    absent = sum(page is None for page in pages)
    if absent and not fill_missing:
        raise _missing(tiff, f"{absent} of the {len(pages)} planes of {path}", path)
    opening = Lock()  # other files are open only while a page is read, since there may be thousands

    def read_page(number: int) -> NDArray[np.generic]:
        page = pages[number]
        if page is None:
            return np.broadcast_to(np.zeros((), image.dtype), image.keyframe.shape)
        if page.parent is tiff:
            with reading(f"page {number} of {path}", also=DAMAGE):
                return _decoded(page, image)
        file = page.parent.filehandle
        with reading(f"page {number} of {path}, in {file.path}", also=DAMAGE), opening:
            file.open()
            try:
                return _decoded(page, image)
            finally:
                file.close()

    return read_page


def _decoded(page: Any, image: TiffImage) -> NDArray[np.generic]:
    voxels: NDArray[np.generic] = page.asarray()
    if voxels.shape != image.keyframe.shape:
        raise ValueError(f"it has shape {voxels.shape}, not {image.keyframe.shape}")
    return voxels


def _plain_pages(tiff: Any, image: TiffImage, path: str) -> ReadPage:
    """Return what reads a page of an uncompressed image, whose pages follow each other."""
    shape, dtype, start = image.keyframe.shape, image.dtype, image.start or 0
    nbytes = math.prod(shape) * dtype.itemsize

    def read_page(number: int) -> NDArray[np.generic]:
        with reading(f"page {number} of {path}"), tiff.filehandle.lock:
            tiff.filehandle.seek(start + number * nbytes)
            return np.frombuffer(tiff.filehandle.read(nbytes), dtype, math.prod(shape)).reshape(shape)

    return read_page


def _missing(tiff: Any, what: str, path: str) -> DataError:
    """Return an error that says why planes are missing."""
    advice = "or read these planes as zeros with the option fill_missing=True"
    parts = _parts(tiff)
    if is_url(path) and parts:
        return DataError(f"{what} are in other files, which are not read by URL; copy all to one folder, {advice}")
    absent = [name for name in parts if not (Path(path).parent / name).exists()]
    if absent:
        named = ", ".join(absent[:_NAMED]) + (f" and {len(absent) - _NAMED} more" if len(absent) > _NAMED else "")
        return FileMissing(f"{what} are in files that are missing: {named}; put them beside it, {advice}")
    files = f" or the files beside it ({', '.join(parts[:_NAMED])})" if parts else ""
    return DataError(f"{what} are not there, though its header promises them; is it{files} complete? Copy it, {advice}")


def _parts(tiff: Any) -> list[str]:
    """Return the names of all files that an OME-TIFF says it consists of."""
    if not tiff.is_ome:
        return []
    nodes = ET.fromstring(tiff.ome_metadata).iter()
    names = [node.get("FileName") for node in nodes if node.tag.rpartition("}")[2] == "UUID"]
    return sorted({name for name in names if name})
