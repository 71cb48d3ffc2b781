"""Judges instance segmentations: which voxels are together, and which objects are found."""

from collections.abc import Iterable, Iterator
from math import prod
from typing import Any

import numpy as np
from attrs import define
from funlib.geometry import Roi
from numpy.typing import NDArray

from dalsegno.arrays.array import Array
from dalsegno.errors import DataError
from dalsegno.experiments.tasks.evaluators.evaluator import Evaluator
from dalsegno.experiments.tasks.evaluators.instance_evaluation_scores import InstanceEvaluationScores
from dalsegno.experiments.tasks.ground_truth import check_instance_labels, instance_labels, objects
from dalsegno.ops.blocks import block_shape, blocks, chunk_block_shape
from dalsegno.ops.contingency import ContingencyTable, TrueLabels
from dalsegno.ops.instance_metrics import instance_scores

__all__ = ["InstanceEvaluator"]

BLOCK_VOXELS = 2**22
CHUNK_VOXELS = 2**18
ROWS = 64


@define(slots=False)
class InstanceEvaluator(Evaluator):
    """Scores instances against the ground truth, whatever ids above 0 both give them; all others are background.

    Attributes
    ----------
    background_as_object
        The truth's background counts as an object in the variation of information and the Rand error, for
        data that is segmented completely. Otherwise its voxels are left out there; false objects in it are
        found by average precision and panoptic quality.
    """

    background_as_object: bool = False

    @property
    def criteria(self) -> list[str]:
        """Variation of information with its parts, and the adapted Rand error."""
        return ["voi_merge", "voi_split", "voi", "adapted_rand_error"]

    @property
    def primary(self) -> str:
        """The variation of information: either part alone is perfect where all is one segment, or each voxel is one."""
        return "voi"

    @property
    def score(self) -> InstanceEvaluationScores:
        """Scores with every value undefined: they know the criteria."""
        return InstanceEvaluationScores()

    def sweep(
        self, outputs: Iterable[NDArray[Any]], evaluation_array: Array, mask: NDArray[Any] | None = None
    ) -> Iterator[InstanceEvaluationScores]:
        """Yield the scores of each output; where the ground truth changes is looked up once.

        A mask with channels counts where all of them do.

        Raises
        ------
        DataError
            If the ground truth or an output is not a single channel of integers.
        """
        labels = instance_labels(evaluation_array, evaluation_array.roi)
        truth = TrueLabels.of(labels, None if mask is None else _everywhere(mask, labels.ndim))
        for output in outputs:
            yield self._scores(ContingencyTable.of(_segments(output, labels.shape), truth))

    def score_blockwise(self, output: Array, evaluation_array: Array, mask: Array | None) -> InstanceEvaluationScores:
        """Return the scores of one output; the blocks' tables add up to that of the whole."""
        check_instance_labels(evaluation_array)
        regions = _regions(output, evaluation_array)
        tables = (table for region in regions for table in _tables(output, evaluation_array, mask, region))
        return self._scores(ContingencyTable.total(tables))

    def _scores(self, table: ContingencyTable) -> InstanceEvaluationScores:
        return InstanceEvaluationScores(**instance_scores(table, background_as_object=self.background_as_object))


def _tables(output: Array, truth: Array, mask: Array | None, region: Roi) -> Iterator[ContingencyTable]:
    labels = instance_labels(truth, region)
    inside = None if mask is None else _everywhere(mask.to_ndarray(region, fill_value=0), labels.ndim)
    return TrueLabels.of(labels, inside).tables(_segments(output[region], labels.shape))


def _regions(output: Array, truth: Array) -> Iterator[Roi]:
    """Yield blocks that cover an array, those at its end cut: chunks, which are read quickest one by one, or slabs."""
    length, *rest = shape = truth.roi.shape / truth.voxel_size
    stored = [array.chunk_shape for array in (output, truth) if array.chunk_shape is not None]
    chunk = tuple(map(max, zip(*stored, strict=True))) if stored else ()
    if chunk and prod(chunk) <= BLOCK_VOXELS:
        block = chunk_block_shape(shape, chunk, CHUNK_VOXELS)
    else:
        rows = max(BLOCK_VOXELS // prod(rest) // ROWS, 1) * ROWS
        block = block_shape((min(rows, length), *rest), BLOCK_VOXELS)
    return map(truth.region, blocks(shape, block))


def _everywhere(mask: NDArray[Any], dims: int) -> NDArray[np.bool_]:
    """Return where a mask of shape ``(c?, *spatial)`` is above 0 in every channel."""
    inside: NDArray[np.bool_] = np.logical_and.reduce((mask > 0).reshape(-1, *mask.shape[-dims:]), axis=0)
    return inside


def _segments(output: NDArray[Any], shape: tuple[int, ...]) -> NDArray[np.integer[Any]]:
    """Return the segments of an output of shape ``(1?, *spatial)``, without its channel."""
    if output.dtype.kind not in "iub":
        raise DataError(
            f"the segmentation has dtype {output.dtype}, but segments are integers: as they are its values can't be "
            "compared with the ground truth's ids; post-process predictions first, or cut them with ThresholdArray"
        )
    if output.shape not in (shape, (1, *shape)):
        raise DataError(
            f"the segmentation has shape {output.shape}, the ground truth {shape}: they can't be compared voxel by "
            "voxel; check that both cover the same region, and that the segmentation has one channel of ids"
        )
    return objects(output.reshape(shape))
