"""Labels grouped into classes, one binary channel each."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from funlib.geometry import Roi
from numpy.typing import NDArray

from dalsegno.arrays.array import ArrayConfig
from dalsegno.arrays.array_view import ArrayView
from dalsegno.arrays.grouped_labels import GroupedLabels, LabelGroups
from dalsegno.arrays.labels import check_labels, read_labels
from dalsegno.config import config, field
from dalsegno.errors import DataError, Problem

__all__ = ["BinarizeArray", "BinarizeArrayConfig"]

_FEW = 40


@config
class BinarizeArrayConfig(LabelGroups, ArrayConfig):
    """Labels grouped into classes, one binary channel each; classes may share labels."""

    background: int = field(help="The id that is in no class.", default=0)

    def problems(self) -> Iterator[Problem]:
        """Yield a problem if there are no classes, two of one name, or one of nothing but the background."""
        yield from super().problems()
        for position, (name, ids) in enumerate(self.groupings):
            if set(ids) == {self.background}:
                yield Problem(
                    f"the class {name!r} has only the background {self.background}, which is in no class, so it would "
                    "be empty everywhere; leave it out, or set `background` to another id, such as -1",
                    ("groupings", position),
                )


class BinarizeArray(GroupedLabels, ArrayView):
    """Binary classes, axes (c, *spatial); channel *i* is 1 on the labels of grouping *i*.

    Raises
    ------
    DataError
        If floats are stored, or the source has several channels; floats that a view makes of integers are compared
        exactly.
    """

    def __init__(self, array_config: BinarizeArrayConfig) -> None:
        super().__init__(array_config.source_array_config.open())
        self.config: BinarizeArrayConfig = array_config
        source = self.source_array
        check_labels(source, scaled=True)
        labels = np.dtype(np.uint8) if source.dtype.kind == "b" else source.dtype
        self._ids = [_sorted_ids(ids, labels, array_config.background) for _, ids in array_config.groupings]

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
