"""Labels grouped into classes, one binary channel each."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from funlib.geometry import Roi
from numpy.typing import NDArray

from dalsegno.arrays.array import ArrayConfig
from dalsegno.arrays.array_view import ArrayView
from dalsegno.arrays.labels import Groupings, check_labels, grouping_problems, read_labels
from dalsegno.config import config, field
from dalsegno.errors import DataError, Problem

__all__ = ["BinarizeArray", "BinarizeArrayConfig"]

_FEW = 40


@config
class BinarizeArrayConfig(ArrayConfig):
    """Labels grouped into classes, one binary channel each; classes may share labels."""

    source_array_config: ArrayConfig = field(help="Labels: integers, no channel axis or one channel.")
    groupings: Groupings = field(
        help="Name of each class with the ids that make it up; no ids means all but the background."
    )
    background: int = field(help="The id that is in no class.", default=0)

    def problems(self) -> Iterator[Problem]:
        """Yield a problem if there are no classes, or two of one name."""
        return grouping_problems(self.groupings)


class BinarizeArray(ArrayView):
    """Binary classes, uint8, axes (c, *spatial); channel *i* is 1 on the labels of grouping *i*.

    Raises
    ------
    DataError
        If floats are stored, or the source has several channels; floats that a view makes of integers are compared
        exactly.
    """

    def __init__(self, array_config: BinarizeArrayConfig) -> None:
        super().__init__(array_config.source_array_config.open())
        self.config = array_config
        source = self.source_array
        check_labels(source, scaled=True)
        labels = np.dtype(np.uint8) if source.dtype.kind == "b" else source.dtype
        self._ids = [_sorted_ids(ids, labels, array_config.background) for _, ids in array_config.groupings]

    @property
    def axes(self) -> list[str]:
        """The source's spatial axes after ``"c"``."""
        return ["c", *self.source_array.spatial_axes]

    @property
    def dtype(self) -> np.dtype[Any]:
        """uint8."""
        return np.dtype(np.uint8)

    @property
    def num_channels(self) -> int:
        """One for each class."""
        return len(self.config.groupings)

    @property
    def channels(self) -> list[str]:
        """Names of the classes."""
        return [name for name, _ in self.config.groupings]

    @property
    def holds_labels(self) -> bool:
        """True: 0 and 1 are no intensities."""
        return True

    def _read(self, roi: Roi) -> NDArray[Any]:
        labels = read_labels(self.source_array, roi)
        binary = np.empty((len(self._ids), *labels.shape), np.bool_)
        for channel, (ids, (_, given)) in enumerate(zip(self._ids, self.config.groupings, strict=True)):
            if not given:
                np.not_equal(labels, self.config.background, out=binary[channel])
            elif len(ids) == 1:
                np.equal(labels, ids[0], out=binary[channel])
            else:
                # comparing with each is faster than looking up in a table while there are few
                binary[channel] = np.isin(labels, ids, kind="sort" if len(ids) < _FEW else None)
        return binary.view(np.uint8)


BinarizeArrayConfig.array_type = BinarizeArray


def _sorted_ids(ids: Iterable[int], dtype: np.dtype[Any], background: int) -> NDArray[Any]:
    """Return the ids that can occur, in the labels' own dtype: another one would merge large ids."""
    wanted = sorted(set(ids) - {background})
    if dtype.kind == "f":
        inexact = [one for one in wanted if float(dtype.type(one)) != one]
        if inexact:
            raise DataError(f"{dtype} can't tell the id {inexact[0]} from its neighbours; group the labels unscaled")
        return np.array(wanted, dtype)
    limits = np.iinfo(dtype)
    return np.array([one for one in wanted if limits.min <= one <= limits.max], dtype)
