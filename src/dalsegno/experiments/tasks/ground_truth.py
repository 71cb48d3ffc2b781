"""Ground truth as the channels of a task, whatever form it has."""

from typing import Any

import numpy as np
from funlib.geometry import Roi
from numpy.typing import NDArray

from dalsegno.arrays.array import Array
from dalsegno.errors import DataError

__all__ = ["binary_channels", "class_labels"]


def binary_channels(gt: Array, roi: Roi, channels: tuple[str, ...]) -> NDArray[np.bool_]:
    """Return the foreground of each channel, shape ``(C, *spatial)``.

    Parameters
    ----------
    gt
        One channel of labels for each channel of the task, any value above 0 is foreground; without a
        channel axis for a single one. Instance labels serve as they are.
    roi
        Region to read, in world units.
    channels
        Names of the channels of the task.

    Raises
    ------
    DataError
        If there are more or fewer channels of labels.
    """
    labels = gt[roi] if gt.num_channels is not None else gt[roi][None]
    if len(labels) != len(channels):
        raise DataError(
            f"the ground truth has {len(labels)} channel(s), the task {len(channels)}: {', '.join(channels)}; it is "
            "not known which labels belong to which; make one channel for each with BinarizeArray or ConcatArray"
        )
    foreground: NDArray[np.bool_] = labels > 0
    return foreground


def class_labels(gt: Array, roi: Roi) -> NDArray[np.integer[Any]]:
    """Return class labels without a channel axis, shape ``(*spatial)``.

    Raises
    ------
    DataError
        If the labels have several channels or are not integers.
    """
    labels: NDArray[Any] = gt[roi]
    if gt.num_channels is not None:
        if gt.num_channels != 1:
            raise DataError(
                f"the ground truth has {gt.num_channels} channels, but classes exclude each other and are read as "
                "labels 0, 1, 2, … from one channel; use a DistanceTask for channels that overlap"
            )
        labels = labels[0]
    if labels.dtype.kind not in "iub":
        raise DataError(
            f"the ground truth has dtype {labels.dtype}, but class labels are integers; cut probabilities with "
            "ThresholdArray"
        )
    return labels
