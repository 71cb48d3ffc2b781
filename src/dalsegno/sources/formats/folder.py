"""A folder of section images, one file each, stacked in natural order: s2 before s10."""

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dalsegno.errors import DataError
from dalsegno.sources.errors import ArrayMissing, SourceError, reading
from dalsegno.sources.file_format import FileFormat, StoredVoxels
from dalsegno.sources.formats.tiff import check_codec
from dalsegno.sources.geometry import Geometry
from dalsegno.sources.pages import page_reader

_SUFFIXES = (".png", ".tif", ".tiff")


def open_folder(path: str, internal_path: str, mode: str) -> StoredVoxels:  # noqa: ARG001 - never written
    """Open a folder of images; `internal_path` is a pattern such as ``"*.tif"`` where there are several kinds."""
    sections = _sections(Path(path), internal_path)
    first = read_image(sections[0])
    color = first.ndim == 3 and first.shape[-1] in (3, 4)
    if first.ndim != 2 and not color:
        raise DataError(f"{sections[0]} has shape {first.shape}, but a section is one image with axes (y, x)")

    def read_section(number: int) -> NDArray[np.generic]:
        image = first if number == 0 else read_image(sections[number])
        if image.shape != first.shape or image.dtype != first.dtype:
            raise DataError(
                f"{sections[number]} is {image.dtype} of shape {image.shape}, but {sections[0].name} is {first.dtype} "
                f"of {first.shape}; the sections of a stack are alike"
            )
        return image

    return StoredVoxels(
        shape=(len(sections), *first.shape),
        dtype=first.dtype,
        read=page_reader((len(sections),), first.nbytes, read_section),
        chunks=(1, *first.shape),
        geometry=Geometry(axes=("z", "y", "x", "c") if color else ("z", "y", "x")),
    )


def _sections(folder: Path, pattern: str) -> list[Path]:
    if not folder.is_dir():
        raise SourceError(f"{folder} is a file, not a folder of images; leave out format='folder'")
    found = [path for path in folder.glob(pattern or "*") if _is_image(path)]
    kinds = sorted({path.suffix for path in found})
    if not found:
        raise ArrayMissing(f"no {pattern or 'images'} in {folder}; sections are {', '.join(_SUFFIXES)} files")
    if not pattern and len(kinds) > 1:
        raise SourceError(
            f"{folder} holds images of several kinds ({', '.join(kinds)}); choose with internal_path (dataset), "
            f"such as '*{kinds[0]}'"
        )
    return sorted(found, key=_natural)


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in _SUFFIXES and not path.name.startswith(".")


def _natural(path: Path) -> list[tuple[int, str]]:
    parts = re.split(r"(\d+)", path.name)
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]


def read_image(path: Path) -> NDArray[np.generic]:
    """Read one PNG or TIFF image, axes (y, x) or (y, x, color).

    Raises
    ------
    DataError
        If the file is damaged, or its compression needs a package that is not installed.
    """
    with reading(str(path)):
        return _read_png(path) if path.suffix.lower() == ".png" else _read_tiff(path)


def _read_tiff(path: Path) -> NDArray[np.generic]:
    import tifffile

    with tifffile.TiffFile(path) as tiff:
        check_codec(tiff.pages.first, str(path))
        return np.asarray(tiff.asarray())


def _read_png(path: Path) -> NDArray[np.generic]:
    # not PIL.Image.open, which takes sections of 180 megapixels for an attack
    from PIL.PngImagePlugin import PngImageFile

    with path.open("rb") as file, PngImageFile(file) as image:
        return np.asarray(image)


def _claims(path: Path) -> bool:
    return path.is_dir() and any(_is_image(inside) for inside in path.iterdir())


FORMAT = FileFormat(
    name="folder",
    extensions=(),
    open=open_folder,
    library="tifffile",
    install="dalsegno",
    claims=_claims,
)
