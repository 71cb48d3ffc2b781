"""A look through the labels of a dataset for those that the task does not know."""

from collections.abc import Iterator
from math import prod

import numpy as np
from funlib.geometry import Roi

from dalsegno.arrays.array import Array
from dalsegno.arrays.ones_array import OnesArray
from dalsegno.errors import DataError
from dalsegno.experiments.datasets.dataset import Dataset
from dalsegno.experiments.tasks.task import Task
from dalsegno.ops.blocks import block_at, block_shape

__all__ = ["check_labels"]

BLOCK_VOXELS = 2**22

MOST_VOXELS = 2**28
"""What is looked at of a dataset: all that most have, and with larger ones a minute or so of reading."""


def check_labels(dataset: Dataset, task: Task) -> None:
    """Refuse a dataset whose annotated ground truth has labels that the task does not know.

    Ground truth is read block by block, where raw and mask are too, and only if the task has something to look
    for. Of a volume of more than 2**28 voxels, so many are looked at, in blocks that are spread evenly over it:
    the same at each time.

    Raises
    ------
    DataError
        If there are such labels; the message names the dataset and the place.
    """
    gt = dataset.gt
    if gt is None:
        return
    task.check_dataset(dataset)
    mask = OnesArray.like(gt) if dataset.mask is None else dataset.mask
    for region in _regions(dataset, gt, mask):
        try:
            task.predictor.check_labels(gt, mask, region)
        except DataError as error:
            raise DataError(f"dataset {dataset.name!r}, in {region} {gt.units}: {error}") from error


def _regions(dataset: Dataset, gt: Array, mask: Array) -> Iterator[Roi]:
    """Yield the blocks to look at, world units, on the grid of the ground truth."""
    shared = gt.roi.intersect(dataset.raw.roi).intersect(mask.roi) - gt.roi.begin
    whole = shared.snap_to_grid(gt.voxel_size, mode="shrink") / gt.voxel_size
    if whole.empty:
        return
    block = block_shape(whole.shape, BLOCK_VOXELS)
    counts = [-(-length // edge) for length, edge in zip(whole.shape, block, strict=True)]
    count = prod(counts)
    for position in _spread(count, -(-count * MOST_VOXELS // prod(whole.shape))):
        index = tuple(map(int, np.unravel_index(position, counts)))
        box = block_at(index, whole.shape, block)
        yield gt.region(
            [slice(begin + part.start, begin + part.stop) for begin, part in zip(whole.begin, box, strict=True)]
        )


def _spread(count: int, most: int) -> Iterator[int]:
    """Yield the positions of all of so many blocks, or of one at random out of each of `most` equal parts."""
    if count <= most:
        yield from range(count)
        return
    generator = np.random.default_rng(0)
    for part in range(most):
        first, end = part * count // most, (part + 1) * count // most
        yield int(generator.integers(first, end))
