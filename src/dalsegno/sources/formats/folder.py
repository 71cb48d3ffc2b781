"""A folder of section images, one file each, stacked in natural order: s2 before s10. Also one image alone."""

import re
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dalsegno.errors import DataError
from dalsegno.sources.errors import ArrayMissing, FileMissing, SourceError, reading
from dalsegno.sources.file_format import FileFormat, StoredVoxels
from dalsegno.sources.formats.tiff import check_codec
from dalsegno.sources.geometry import Geometry
from dalsegno.sources.pages import page_reader

_SUFFIXES = (".png", ".tif", ".tiff")
_NAMED = 10


def open_folder(path: str, internal_path: str, mode: str, gaps: str = "error") -> StoredVoxels:  # noqa: ARG001
    """Open a folder of section images, axes (z, y, x), or one image, axes (y, x); colors are a last axis.

    Parameters
    ----------
    path
        The folder, or an image.
    internal_path
        A pattern such as ``"*.tif"`` where a folder holds images of several kinds.
    mode
        Images are never written.
    gaps
        ``"error"`` if sections that are missing in the numbers of the files are an error, ``"close"`` to stack
        the others without them.

    Raises
    ------
    FileMissing
        If the numbers of the files have gaps; a `FileNotFoundError` that names the missing sections.
    ArrayMissing
        If there are no images; a `KeyError`.
    DataError
        If an image is damaged.
    """
    if gaps not in ("error", "close"):
        raise SourceError(f"the option gaps={gaps!r} is none of 'error' and 'close'")
    if not Path(path).is_dir():
        return _single(Path(path), internal_path)
    sections = _sections(Path(path), internal_path)
    if gaps == "error":
        _check_gaps(sections)
    first = _read_section(sections[0])

    def read(number: int) -> NDArray[np.generic]:
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
        read=page_reader((len(sections),), read),
        chunks=(1, *first.shape),
        geometry=Geometry(axes=("z", "y", "x", "c")[: first.ndim + 1]),
    )


def _single(path: Path, internal_path: str) -> StoredVoxels:
    if not _is_image(path):
        raise SourceError(f"{path} is no folder and no image ({', '.join(_SUFFIXES)}); leave out format='folder'")
    if internal_path:
        raise ArrayMissing(f"no {internal_path!r} in {path}, which is one image; leave out internal_path (dataset)")
    image = _read_section(path)
    return StoredVoxels(
        shape=image.shape,
        dtype=image.dtype,
        read=lambda roi: image[roi].copy(),
        geometry=Geometry(axes=("y", "x", "c")[: image.ndim]),
    )


def _sections(folder: Path, pattern: str) -> list[Path]:
    if Path(pattern).is_absolute():
        raise SourceError(f"{pattern!r} is a path, but internal_path (dataset) is a pattern inside {folder}: '*.tif'")
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


def _check_gaps(sections: list[Path]) -> None:
    """Check that no section is missing, where the names differ in one number that runs in steps of one size."""
    names = [_natural(path) for path in sections]
    varying = [place for place, parts in enumerate(zip(*names, strict=False)) if len(set(parts)) > 1]
    if len({len(name) for name in names}) > 1 or len(varying) != 1:
        return
    numbers = [name[varying[0]][0] for name in names]
    step = min(after - before for before, after in pairwise(numbers))
    if step < 1 or any((number - numbers[0]) % step for number in numbers):
        return
    count = (numbers[-1] - numbers[0]) // step + 1 - len(numbers)
    if count:
        missing = (n for before, after in pairwise(numbers) for n in range(before + step, after, step))
        named = ", ".join(map(str, islice(missing, _NAMED))) + (f" and {count - _NAMED} more" if count > _NAMED else "")
        raise FileMissing(
            f"{sections[0].parent}: the files go from {sections[0].name} to {sections[-1].name} in steps of {step}, "
            f"but {named} are missing, so what follows would move up; add them, or stack the others without them with "
            "the option gaps='close' (in an experiment, options: {gaps: close})"
        )


def _read_section(path: Path) -> NDArray[np.generic]:
    image = read_image(path)
    if image.ndim != 2 and not (image.ndim == 3 and image.shape[-1] in (3, 4)):
        raise DataError(f"{path} has shape {image.shape}, but a section is one image with axes (y, x)")
    return image


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
    extensions=(".png",),
    open=open_folder,
    library="tifffile",
    install="dalsegno",
    claims=_claims,
)
