"""How a prediction becomes a segmentation."""

import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import Any, Generic, TypeVar

import numpy as np
from funlib.geometry import Coordinate, Roi
from numpy.typing import DTypeLike, NDArray

from dalsegno.arrays.array import Array
from dalsegno.arrays.zarr_array import ZarrArray
from dalsegno.errors import DataError
from dalsegno.experiments.tasks.post_processors.post_processor_parameters import PostProcessorParameters
from dalsegno.store.array_store import LocalArrayIdentifier

__all__ = ["PostProcessor"]

P = TypeVar("P", bound=PostProcessorParameters)

BLOCK_SIZE = Coordinate(256, 256, 256)
CHUNK_SIZE = Coordinate(64, 64, 64)


class PostProcessor(ABC, Generic[P]):
    """Turns a prediction into a segmentation, in memory or block by block.

    Attributes
    ----------
    prediction_array
        The prediction that `process` reads, given to `set_prediction`.
    """

    prediction_array: Array | None = None

    @abstractmethod
    def enumerate_parameters(self) -> Iterable[P]:
        """Return the settings that a validation tries."""

    @abstractmethod
    def label(self, prediction: NDArray[Any], parameters: P) -> NDArray[np.integer[Any]]:
        """Return the segmentation of a prediction in memory.

        Parameters
        ----------
        prediction
            Output of the model, shape ``(C, *spatial)``.
        parameters
            One of the settings of this post-processor.

        Returns
        -------
        segmentation
            Shape ``(C, *spatial)``, or ``(*spatial)`` for labels.
        """

    def label_all(self, prediction: NDArray[Any], settings: Sequence[P]) -> Iterable[NDArray[np.integer[Any]]]:
        """Return the segmentation of a prediction with each of several settings; what they share is done once.

        Parameters
        ----------
        prediction
            Output of the model, shape ``(C, *spatial)``.
        settings
            Of this post-processor.
        """
        return (self.label(prediction, setting) for setting in settings)

    @abstractmethod
    def output_format(self, num_channels: int) -> tuple[int | None, DTypeLike]:
        """Return the number of channels of a segmentation (None: no channel axis) and its dtype."""

    def set_prediction(self, prediction_array_identifier: LocalArrayIdentifier | Array) -> None:
        """Choose the prediction that `process` reads, stored or open."""
        prediction = prediction_array_identifier
        if isinstance(prediction, LocalArrayIdentifier):
            prediction = ZarrArray.open_from_array_identifier(prediction)
        self.prediction_array = prediction

    def process(
        self,
        parameters: P,
        output_array_identifier: LocalArrayIdentifier,
        num_workers: int = 16,
        block_size: Coordinate = BLOCK_SIZE,
        chunk_size: Coordinate = CHUNK_SIZE,
    ) -> Array:
        """Write the segmentation of the whole prediction, block by block.

        Parameters
        ----------
        parameters
            One of the settings of this post-processor.
        output_array_identifier
            Where the segmentation is written; what was there is replaced.
        num_workers
            Blocks in work at a time, never more than there are processors.
        block_size
            Voxels of a block; rounded up to whole chunks so that no two workers write the same chunk.
        chunk_size
            Voxels of a chunk of the output. Of both sizes the last ones count where there are fewer axes.

        Raises
        ------
        DataError
            If no prediction was set.
        """
        prediction = self._prediction()
        chunk = Coordinate(chunk_size[-prediction.dims :])
        block = Coordinate(-(-b // c) * c for b, c in zip(block_size[-prediction.dims :], chunk, strict=True))
        num_channels, dtype = self.output_format(prediction.num_channels or 1)
        output = ZarrArray.create_from_array_identifier(
            output_array_identifier,
            (["c"] if num_channels is not None else []) + prediction.spatial_axes,
            prediction.roi,
            num_channels,
            prediction.voxel_size,
            np.dtype(dtype),
            write_size=chunk * prediction.voxel_size,
            units=prediction.units,
            overwrite=True,
        )

        def process_block(roi: Roi) -> None:
            values = prediction[roi]
            output[roi] = self.label(values if prediction.num_channels is not None else values[None], parameters)

        with ThreadPoolExecutor(min(num_workers, os.cpu_count() or 1)) as pool:
            for _ in pool.map(process_block, _blocks(prediction.roi, block * prediction.voxel_size)):
                pass
        return output

    def _prediction(self) -> Array:
        if self.prediction_array is None:
            raise DataError("there is no prediction to process; call set_prediction with a stored or an open array")
        return self.prediction_array


def _blocks(roi: Roi, size: Coordinate) -> Iterable[Roi]:
    """Yield blocks that cover a ROI; those at its end are cut."""
    for begin in product(*(range(b, e, s) for b, e, s in zip(roi.begin, roi.end, size, strict=True))):
        yield Roi(begin, size).intersect(roi)
