"""TIFF stacks: plain, ImageJ, OME; page by page, or mapped where nothing is compressed."""

import math
import struct
import weakref
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
from numpy.typing import NDArray

from dalsegno.errors import DataError
from dalsegno.sources.errors import ArrayMissing, SourceError, reading
from dalsegno.sources.file_format import FileFormat, StoredVoxels
from dalsegno.sources.geometry import NOT_SPATIAL, Geometry, known_unit, short_decimal
from dalsegno.sources.pages import page_reader
from dalsegno.sources.storage.remote import file_system, is_url, reaching

_AXES = {"Z": "z", "Y": "y", "X": "x", "C": "c", "T": "t"}
_CENTIMETER = 3
_REMOTE_BLOCK = 2**14  # the directories of the pages are small, and far from each other

ReadPage = Callable[[int], NDArray[np.generic]]


def open_tiff(
    path: str,
    internal_path: str,
    mode: str,  # noqa: ARG001 - never written
    storage_options: Mapping[str, Any] | None = None,
) -> StoredVoxels:
    """Open a TIFF, also by URL; `internal_path` is the number of an image series where the file holds several."""
    import tifffile

    with reading(path), ExitStack() as stack:
        file = stack.enter_context(_remote_file(path, storage_options)) if is_url(path) else path
        tiff = stack.enter_context(tifffile.TiffFile(file))
        _check_chain(tiff, path)
        series = _choose(tiff.series, path, internal_path)
        check_codec(series.keyframe, path)
        voxels = _voxels(tiff, series, path)
        weakref.finalize(voxels, stack.pop_all().close)
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


def _voxels(tiff: Any, series: Any, path: str) -> StoredVoxels:
    keyframe, shape = series.keyframe, tuple(series.shape)
    geometry = _geometry(tiff, series)
    plain = series.dataoffset is not None and keyframe.is_memmappable
    dtype = np.dtype(tiff.byteorder + series.dtype.char) if plain else series.dtype
    if plain and not is_url(path):
        mapped = np.memmap(path, dtype, "r", series.dataoffset, shape)
        return StoredVoxels(shape, dtype, lambda roi: np.array(mapped[roi]), geometry=geometry)
    leading = shape[: len(shape) - keyframe.ndim]
    read_page = _plain_pages(tiff, series, dtype, path) if plain else _pages(tiff, series, math.prod(leading), path)
    read = page_reader(leading, read_page)
    chunks = (1,) * len(leading) + tuple(keyframe.shape)
    return StoredVoxels(shape, dtype, read, chunks=chunks, geometry=geometry)


def _plain_pages(tiff: Any, series: Any, dtype: np.dtype[Any], path: str) -> ReadPage:
    """Return what reads a page of an uncompressed series, whose pages follow each other."""
    shape = series.keyframe.shape
    nbytes = math.prod(shape) * dtype.itemsize
    tiff.filehandle.set_lock(True)

    def read_page(number: int) -> NDArray[np.generic]:
        with reading(f"page {number} of {path}"), tiff.filehandle.lock:
            tiff.filehandle.seek(series.dataoffset + number * nbytes)
            return np.frombuffer(tiff.filehandle.read(nbytes), dtype, math.prod(shape)).reshape(shape)

    return read_page


def _pages(tiff: Any, series: Any, count: int, path: str) -> ReadPage:
    """Return what reads a page of any series."""
    pages = list(series.pages)
    if len(pages) != count:
        raise DataError(
            f"{path}: {len(pages)} pages don't make up an image of shape {series.shape}; save it as a plain stack"
        )
    tiff.filehandle.set_lock(True)

    def read_page(number: int) -> NDArray[np.generic]:
        page = pages[number]
        if page is None:
            return np.zeros(series.keyframe.shape, series.dtype)
        with reading(f"page {number} of {path}"):
            return np.asarray(page.asarray())

    return read_page


def _choose(all_series: Any, path: str, internal_path: str) -> Any:
    if not internal_path and len(all_series) == 1:
        return all_series[0]
    shapes = ", ".join(f"{number}: {series.shape}" for number, series in enumerate(all_series))
    if not internal_path:
        raise SourceError(f"{path} holds several images; name one as internal_path (dataset): {shapes}")
    if not internal_path.isdigit() or int(internal_path) >= len(all_series):
        raise ArrayMissing(f"no image {internal_path!r} in {path}; it holds {shapes}")
    return all_series[int(internal_path)]


def check_codec(page: Any, path: str) -> None:
    """Check that the compression of a page can be read with what is installed.

    Raises
    ------
    DataError
        If it can't; the message names the package that can.
    """
    from tifffile import TIFF

    try:
        TIFF.DECOMPRESSORS[page.compression]
        TIFF.UNPREDICTORS[page.predictor]
    except KeyError as error:
        name = getattr(page.compression, "name", page.compression)
        raise DataError(
            f"{path} is compressed with {name}, which tifffile reads with the package imagecodecs only: "
            "pip install 'dalsegno[tiff]', or save it uncompressed or with zlib"
        ) from error


def _geometry(tiff: Any, series: Any) -> Geometry:
    # samples of a color are channels, unless there are others
    names = {**_AXES, "S": "s" if "C" in series.axes else "c"}
    axes = tuple(names[axis] for axis in series.axes) if set(series.axes) <= set(names) else None
    spatial = [axis for axis in axes or "zyx"[-min(3, len(series.shape)) :] if axis not in NOT_SPATIAL]
    sizes, units = _voxel_size(tiff, series.keyframe)
    convention = "OME-TIFF" if tiff.is_ome else "ImageJ TIFF" if tiff.is_imagej else "TIFF"
    if units is None or not all(sizes.get(axis) for axis in spatial):
        return Geometry(axes=axes, convention=convention)
    return Geometry(axes, tuple(sizes[axis] for axis in spatial), units=units, convention=convention)


def _voxel_size(tiff: Any, page: Any) -> tuple[dict[str, Any], str | None]:
    """Return the voxel size per axis, with its unit where there is one.

    Resolutions per inch are those of printers and say nothing about voxels.
    """
    if tiff.is_ome:
        return _ome_voxel_size(tiff.ome_metadata)
    flat = {axis: _per_pixel(page.tags.get(tag)) for axis, tag in (("x", "XResolution"), ("y", "YResolution"))}
    if tiff.is_imagej:
        metadata = tiff.imagej_metadata or {}
        unit = known_unit(metadata.get("unit"))
        spacing = metadata.get("spacing")
        depth = short_decimal(abs(float(spacing))) if isinstance(spacing, (int, float)) else None
        return {**flat, "z": depth}, None if unit == "voxel" else unit
    unit_tag = page.tags.get("ResolutionUnit")
    return flat, "cm" if unit_tag is not None and unit_tag.value == _CENTIMETER else None


def _per_pixel(tag: Any) -> Decimal | None:
    if tag is None or 0 in tag.value:
        return None
    pixels, length = tag.value
    return short_decimal(length / pixels)


def _ome_voxel_size(xml: str) -> tuple[dict[str, Any], str | None]:
    pixels = next((node for node in ET.fromstring(xml).iter() if node.tag.endswith("}Pixels")), None)
    if pixels is None:
        return {}, None
    texts = {axis: pixels.get(f"PhysicalSize{axis.upper()}") for axis in "zyx"}
    sizes = {axis: Decimal(text) for axis, text in texts.items() if text}
    units = {known_unit(pixels.get(f"PhysicalSize{axis.upper()}Unit", "um")) for axis in sizes}
    return sizes, units.pop() if len(units) == 1 else None


FORMAT = FileFormat(
    name="tiff",
    extensions=(".tif", ".tiff"),
    open=open_tiff,
    library="tifffile",
    install="dalsegno",
    remote=True,
)
