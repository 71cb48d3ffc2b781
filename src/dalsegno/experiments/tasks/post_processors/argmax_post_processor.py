"""Picks the most likely class."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from dalsegno.experiments.tasks.post_processors.argmax_post_processor_parameters import ArgmaxPostProcessorParameters
from dalsegno.experiments.tasks.post_processors.post_processor import PostProcessor, check_finite

__all__ = ["ArgmaxPostProcessor", "ArgmaxPostProcessorParameters"]


class ArgmaxPostProcessor(PostProcessor[ArgmaxPostProcessorParameters]):
    """Labels each voxel with the channel of its largest value."""

    def enumerate_parameters(self) -> Iterator[ArgmaxPostProcessorParameters]:
        """Yield the only setting."""
        yield ArgmaxPostProcessorParameters(1)

    def label(
        self,
        prediction: NDArray[Any],
        parameters: ArgmaxPostProcessorParameters,  # noqa: ARG002
    ) -> NDArray[np.integer[Any]]:
        """Return the label of each voxel, from 0, the first of equals; shape ``(*spatial)``.

        Raises
        ------
        DataError
            If the prediction holds NaN.
        """
        check_finite(prediction)
        labels: NDArray[np.integer[Any]] = prediction.argmax(axis=0).astype(self.output_format(len(prediction))[1])
        return labels

    def output_format(self, num_channels: int) -> tuple[int | None, DTypeLike]:
        """Return no channel axis, and the smallest dtype that holds the labels."""
        return None, np.uint8 if num_channels <= 256 else np.uint16
