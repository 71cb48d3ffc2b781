"""What arrays of labels have in common: integers without channels."""

import numpy as np
from funlib.geometry import Roi
from numpy.typing import NDArray

from dalsegno.arrays.array import Array
from dalsegno.arrays.array_view import ArrayView
from dalsegno.errors import DataError

__all__ = ["check_labels", "read_labels"]


def check_labels(array: Array, *, scaled: bool = False) -> None:
    """Check that an array holds labels.

    Parameters
    ----------
    array
        The array.
    scaled
        Whether they may be floats that a view makes of integers.

    Raises
    ------
    DataError
        If it holds floats, or several channels.
    """
    stored = array
    while scaled and stored.dtype.kind == "f" and isinstance(stored, ArrayView):
        stored = stored.source_array
    if stored.dtype.kind not in "iub":
        raise DataError(
            f"{array} holds {array.dtype}, but labels are integers; cut intensities with ThresholdArray instead"
        )
    if array.num_channels not in (None, 1):
        raise DataError(f"{array} has {array.num_channels} channels, but labels have one; is the axis order right?")


def read_labels(array: Array, roi: Roi) -> NDArray[np.number]:
    """Return the labels of a region, axes (*spatial), bool as uint8."""
    labels = array[roi]
    if array.num_channels is not None:
        labels = labels[0]
    return labels.view(np.uint8) if labels.dtype.kind == "b" else labels
