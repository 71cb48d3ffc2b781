"""Where classes have been annotated."""

from typing import Any

import numpy as np
from funlib.geometry import Roi
from numpy.typing import NDArray

from dalsegno.arrays.array import ArrayConfig
from dalsegno.arrays.array_view import ArrayView
from dalsegno.arrays.grouped_labels import GroupedLabels, LabelGroups
from dalsegno.arrays.labels import check_labels, read_labels
from dalsegno.config import config
from dalsegno.errors import DataError

__all__ = ["MissingAnnotationsMask", "MissingAnnotationsMaskConfig"]


@config
class MissingAnnotationsMaskConfig(LabelGroups, ArrayConfig):
    """Where classes have been annotated, one channel each, to keep the others out of the loss.

    Channel *i* is 0 everywhere if a class of grouping *i* is present in the volume but not annotated there, by the
    attribute ``labels`` of the source (that of CellMap and fibsem-tools). Otherwise, and without that attribute,
    it is 1 where there is any label. As the mask of a dataset, give it the groupings of the ground truth; tasks whose
    classes exclude each other learn where all of them are annotated.
    """


class MissingAnnotationsMask(GroupedLabels, ArrayView):
    """Axes (c, *spatial), one channel for each grouping: 1 where its annotations can be used.

    Raises
    ------
    DataError
        If the source holds floats or several channels, or its attribute ``labels`` is no list of classes, each
        with a ``value`` and an ``annotationState`` of ``present`` and ``annotated``.
    """

    def __init__(self, array_config: MissingAnnotationsMaskConfig) -> None:
        super().__init__(array_config.source_array_config.open())
        self.config = array_config
        check_labels(self.source_array)
        missing = _missing(self.source_array.attrs.get("labels", []), what=str(self.source_array))
        self._usable = np.array(
            [missing.isdisjoint(ids) if ids else not missing for _, ids in array_config.groupings], np.bool_
        )

    def _read(self, roi: Roi) -> NDArray[Any]:
        mask = np.zeros(self._extent(roi), np.uint8)
        if self._usable.any():
            mask[self._usable] = read_labels(self.source_array, roi) > 0
        return mask


MissingAnnotationsMaskConfig.array_type = MissingAnnotationsMask


def _missing(labels: Any, what: str) -> set[int]:
    """Return the ids of the classes that are present but not annotated."""
    try:
        states = [(label["value"], label["annotationState"]) for label in labels]
        known = [(value, state["present"], state["annotated"]) for value, state in states]
    except (TypeError, KeyError):
        known = [(None, None, None)]
    for value, present, annotated in known:
        if type(value) is not int or type(present) is not bool or type(annotated) is not bool:
            raise DataError(
                f"the attribute 'labels' of {what} does not tell which classes are annotated; each entry needs a "
                "value, and an annotationState such as {present: true, annotated: false}"
            )
    return {value for value, present, annotated in known if present and not annotated}
