"""Post-processing that does nothing of use, for tests."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from attrs import define
from funlib.geometry import Coordinate, Roi
from numpy.typing import DTypeLike, NDArray

from dalsegno.arrays.array import Array
from dalsegno.arrays.zarr_array import ZarrArray
from dalsegno.experiments.tasks.post_processors.dummy_post_processor_parameters import DummyPostProcessorParameters
from dalsegno.experiments.tasks.post_processors.post_processor import BLOCK_SIZE, CHUNK_SIZE, PostProcessor
from dalsegno.store.array_store import LocalArrayIdentifier

__all__ = ["DummyPostProcessor", "DummyPostProcessorParameters"]


@define
class DummyPostProcessor(PostProcessor[DummyPostProcessorParameters]):
    """Fills its output with the `min_size` of the setting.

    Attributes
    ----------
    detection_threshold
        What is above it in any channel counts, in memory.
    """

    detection_threshold: float = 0.0

    def enumerate_parameters(self) -> Iterator[DummyPostProcessorParameters]:
        """Yield the settings with `min_size` from 1 to 10."""
        for position in range(10):
            yield DummyPostProcessorParameters(position, min_size=position + 1)

    def label(self, prediction: NDArray[Any], parameters: DummyPostProcessorParameters) -> NDArray[np.uint8]:
        """Return `min_size` where a channel is above the threshold, 0 elsewhere; shape ``(*spatial)``."""
        detected = (prediction > self.detection_threshold).any(axis=0)
        return np.where(detected, parameters.min_size, 0).astype(np.uint8)

    def output_format(self, num_channels: int) -> tuple[int | None, DTypeLike]:  # noqa: ARG002
        """Return no channel axis, and uint8."""
        return None, np.uint8

    def process(
        self,
        parameters: DummyPostProcessorParameters,
        output_array_identifier: LocalArrayIdentifier,
        num_workers: int = 1,  # noqa: ARG002
        block_size: Coordinate = BLOCK_SIZE,  # noqa: ARG002
        chunk_size: Coordinate = CHUNK_SIZE,  # noqa: ARG002
    ) -> Array:
        """Store 10 x 10 x 10 voxels of `min_size`, whatever the prediction is."""
        roi = Roi((0, 0, 0), (10, 10, 10))
        output = ZarrArray.create_from_array_identifier(
            output_array_identifier, ["z", "y", "x"], roi, None, Coordinate(1, 1, 1), np.uint8, overwrite=True
        )
        output[roi] = np.full((10, 10, 10), parameters.min_size, np.uint8)
        return output
