"""Ground truth as a task needs it, whatever form it has."""

from typing import Any

import numpy as np
from funlib.geometry import Roi
from numpy.typing import NDArray

from dalsegno.arrays.array import Array
from dalsegno.errors import DataError

__all__ = [
    "annotated",
    "annotated_channels",
    "binary_channels",
    "check_binary_channels",
    "check_class_labels",
    "check_instance_labels",
    "class_labels",
    "instance_labels",
    "objects",
]


def check_binary_channels(gt: Array, channels: tuple[str, ...]) -> None:
    """Refuse ground truth that does not have one channel of labels for each channel of a task.

    Raises
    ------
    DataError
        If there are more or fewer channels of labels, or they are no integers.
    """
    _check_integers(gt)
    count = gt.num_channels or 1
    if count != len(channels):
        raise DataError(
            f"the ground truth has {count} channel(s), the task {len(channels)}: {', '.join(channels)}; it is "
            "not known which labels belong to which; make one channel for each with BinarizeArray or ConcatArray"
        )


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
        If there are more or fewer channels of labels, or they are no integers.
    """
    check_binary_channels(gt, channels)
    foreground: NDArray[np.bool_] = _with_channels(gt, roi) > 0
    return foreground


def check_class_labels(gt: Array, classes: tuple[str, ...]) -> None:
    """Refuse ground truth that is neither one channel of class labels nor one channel for each class.

    Raises
    ------
    DataError
        If the channels are others, or hold no integers.
    """
    _check_integers(gt)
    if gt.num_channels not in (None, 1, len(classes)):
        raise DataError(
            f"the ground truth has {gt.num_channels} channels, the task {len(classes)} classes: {', '.join(classes)}; "
            "give one channel of labels 0, 1, 2, …, or one channel for each class with BinarizeArray or ConcatArray"
        )


def class_labels(
    gt: Array, roi: Roi, classes: tuple[str, ...], known: NDArray[np.bool_] | None = None
) -> NDArray[np.integer[Any]]:
    """Return the class of each voxel, shape ``(*spatial)``.

    Parameters
    ----------
    gt
        One channel of labels 0, 1, 2, …; or one channel for each class, above 0 where the voxel belongs to it.
    roi
        Region to read, in world units.
    classes
        Names of the classes.
    known
        Voxels whose class is known, shape ``(*spatial)``; all of them if not given.

    Returns
    -------
    labels
        Position of the class. Where it is not known, anything: what stands in a single channel, or the first that is
        set of several, -1 where none is.

    Raises
    ------
    DataError
        If the channels are others or hold no integers, or a voxel that is known belongs to no class or to several.
    """
    check_class_labels(gt, classes)
    channels = _with_channels(gt, roi)
    if len(channels) > 1:
        return _class_set(channels > 0, roi, classes, known)
    labels: NDArray[np.integer[Any]] = channels[0]
    none = (labels < 0) | (labels >= len(classes))
    unknown = np.unique(labels[none if known is None else none & known])
    if unknown.size:
        raise DataError(
            f"the ground truth holds the labels {unknown[:5].tolist()}, but the {len(classes)} classes are labelled "
            f"0 to {len(classes) - 1} ({', '.join(classes)}): these voxels belong to none; add classes, merge labels "
            "with BinarizeArray, or mask the voxels out"
        )
    return labels


def _class_set(
    belongs: NDArray[np.bool_], roi: Roi, classes: tuple[str, ...], known: NDArray[np.bool_] | None
) -> NDArray[np.int64]:
    """Return the position of the first channel that is set, -1 where none is; where it is known, one has to be."""
    number = belongs.sum(axis=0)
    wrong = (number != 1) if known is None else (number != 1) & known
    overlapping, none = wrong & (number > 1), wrong & (number == 0)
    if overlapping.any():
        where = np.argwhere(overlapping)[0]
        names = [name for name, here in zip(classes, belongs[(slice(None), *where)], strict=True) if here]
        raise DataError(
            f"{np.count_nonzero(overlapping)} voxels within {roi} belong to several classes ({', '.join(names)}), but "
            "classes exclude each other; take the ids out of all groupings but one, mask the voxels out, or use a "
            "DistanceTask, whose channels may overlap"
        )
    if none.any():
        raise DataError(
            f"{np.count_nonzero(none)} voxels within {roi} belong to no class of {', '.join(classes)}, but each "
            "voxel is learned and judged as one of them; add a background channel, or mask the voxels out"
        )
    return np.where(number > 0, belongs.argmax(axis=0), -1)


def check_instance_labels(gt: Array) -> None:
    """Refuse ground truth that is not a single channel of instance labels.

    Raises
    ------
    DataError
        If there are several channels, or they hold no integers.
    """
    _check_integers(gt)
    if gt.num_channels not in (None, 1):
        raise DataError(
            f"the ground truth has {gt.num_channels} channels, but instances are one channel of ids, 0 for background; "
            "join channels of instances with MergeInstancesArray"
        )


def instance_labels(gt: Array, roi: Roi) -> NDArray[np.integer[Any]]:
    """Return the id of each voxel's instance, shape ``(*spatial)``; 0 for background, which negative ids are too.

    Raises
    ------
    DataError
        If there are several channels, or they hold no integers.
    """
    check_instance_labels(gt)
    return objects(_with_channels(gt, roi)[0])


def objects(ids: NDArray[np.integer[Any]]) -> NDArray[np.integer[Any]]:
    """Return ids with 0 in place of negative ones: -1 often stands for what is unknown, and no object has it."""
    return np.maximum(ids, 0) if ids.dtype.kind == "i" else ids


def annotated(mask: Array, roi: Roi) -> NDArray[np.bool_]:
    """Return the voxels whose labels are known in every channel, shape ``(*spatial)``."""
    known: NDArray[np.bool_] = np.logical_and.reduce(_with_channels(mask, roi) > 0, axis=0)
    return known


def annotated_channels(mask: Array, roi: Roi, num_channels: int) -> NDArray[np.bool_]:
    """Return the voxels whose labels are known, shape ``(C, *spatial)``; a mask of one channel counts for all.

    Raises
    ------
    DataError
        If the mask has several channels, but not as many as the task.
    """
    known = _with_channels(mask, roi) > 0
    if len(known) not in (1, num_channels):
        raise DataError(
            f"the mask has {len(known)} channels, the task {num_channels}: give one channel for each, or one for all "
            "(LogicalOrArray)"
        )
    return np.broadcast_to(known, (num_channels, *known.shape[1:]))


def _with_channels(array: Array, roi: Roi) -> NDArray[Any]:
    values: NDArray[Any] = array[roi] if array.num_channels is not None else array[roi][None]
    return values


def _check_integers(gt: Array) -> None:
    if gt.dtype.kind not in "iub":
        raise DataError(
            f"the ground truth has dtype {gt.dtype}, but labels are integers; cut probabilities with ThresholdArray"
        )
