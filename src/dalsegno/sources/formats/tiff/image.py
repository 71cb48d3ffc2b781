"""Which pages of a TIFF make up an image."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from attrs import frozen

from dalsegno.errors import DataError
from dalsegno.sources.errors import ArrayMissing, SourceError

__all__ = ["TiffImage", "find_image"]

_SHOWN = 20
_STACKED = {"shaped", "generic"}  # kinds of series whose header does not say what several of them are


@frozen(eq=False)
class TiffImage:
    """Pages of one shape and type.

    Attributes
    ----------
    shape, axes, dtype
        Of the whole image; one of tifffile's letters per axis.
    keyframe
        The page whose header stands for all.
    pages
        In C order of the axes in front of a page's own. None for pages that no file has.
    start
        Where the voxels begin in the file, if they are stored without gaps and compression; else None.
    number
        Number of the image in the file.
    """

    shape: tuple[int, ...]
    axes: str
    dtype: np.dtype[Any]
    keyframe: Any
    pages: Sequence[Any]
    start: int | None
    number: int

    @property
    def leading(self) -> tuple[int, ...]:
        """Shape of the axes in front of a page's own."""
        return self.shape[: len(self.shape) - self.keyframe.ndim]

    def listed_pages(self, path: str) -> list[Any]:
        """Return the pages, one for each place.

        Raises
        ------
        DataError
            If they are more or less than there are places.
        """
        pages = list(self.pages)
        if len(pages) != math.prod(self.leading):
            raise DataError(
                f"{path}: {len(pages)} pages don't make up an image of shape {self.shape}; save it as a plain stack"
            )
        return pages


def find_image(tiff: Any, path: str, internal_path: str) -> TiffImage:
    """Return the image of a number; without one the only image, or all if they are equal pages, as one stack.

    Raises
    ------
    ArrayMissing
        If there is no image of that number; a `KeyError`.
    SourceError
        If there are several and no number is given; a `ValueError`.
    """
    series = tiff.series
    if not internal_path and len(series) == 1:
        return _image(tiff, series[0], 0)
    if not internal_path and _are_equal_pages(series):
        first = series[0]
        pages = [one.pages[0] for one in series]
        return TiffImage((len(series), *first.shape), f"Z{first.axes}", first.dtype, first.keyframe, pages, None, 0)
    shapes = ", ".join(f"{number}: {one.shape}" for number, one in enumerate(series[:_SHOWN]))
    shapes += f" and {len(series) - _SHOWN} more" if len(series) > _SHOWN else ""
    if not internal_path:
        raise SourceError(
            f"{path} holds {len(series)} images; name one by its number as internal_path (dataset): {shapes}"
        )
    if not internal_path.isdecimal() or int(internal_path) >= len(series):
        raise ArrayMissing(f"no image {internal_path!r} in {path}; it holds {shapes}")
    return _image(tiff, series[int(internal_path)], int(internal_path))


def _image(tiff: Any, series: Any, number: int) -> TiffImage:
    own = not series.is_multifile and series.keyframe.parent is tiff
    start = series.dataoffset if own and series.keyframe.is_memmappable else None
    dtype = series.dtype if start is None else np.dtype(tiff.byteorder + series.dtype.char)
    return TiffImage(tuple(series.shape), series.axes, dtype, series.keyframe, series.pages, start, number)


def _are_equal_pages(all_series: Sequence[Any]) -> bool:
    """Return whether each image is one page, all alike: so are stacks that were written in a loop, page by page."""
    return len({(one.kind, one.shape, one.dtype, one.axes) for one in all_series}) == 1 and all(
        one.kind in _STACKED and set(one.axes) <= set("YXS") and len(one.pages) == 1 and one.shape == one.keyframe.shape
        for one in all_series
    )
