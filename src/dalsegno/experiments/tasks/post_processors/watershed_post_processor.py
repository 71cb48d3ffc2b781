"""Segments by the mutex watershed of affinities."""

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
from attrs import define, field
from funlib.geometry import Coordinate
from numpy.typing import DTypeLike, NDArray

from dalsegno.errors import ConfigError, DataError
from dalsegno.experiments.tasks.post_processors.post_processor import PostProcessor
from dalsegno.experiments.tasks.post_processors.watershed_post_processor_parameters import (
    WatershedPostProcessorParameters,
)
from dalsegno.ops.mutex_watershed import mutex_watershed

__all__ = ["WatershedPostProcessor", "WatershedPostProcessorParameters"]


@define
class WatershedPostProcessor(PostProcessor[WatershedPostProcessorParameters]):
    """Joins voxels that attract each other into segments, and separates those that repel each other more.

    Attributes
    ----------
    offsets
        Voxels from one end of each affinity to the other; the first channels of a prediction in this order,
        further ones are not looked at.
    biases, sigmas, min_sizes
        What a validation tries: every bias with every sigma and every min_size.
    context
        Of all settings.
    """

    offsets: tuple[Coordinate, ...] = field(converter=lambda offsets: tuple(Coordinate(o) for o in offsets))
    biases: tuple[float, ...] = field(default=(0.1, 0.25, 0.5, 0.75, 0.9), converter=tuple)
    sigmas: tuple[float, ...] = field(default=(0.0,), converter=tuple)
    min_sizes: tuple[int, ...] = field(default=(0,), converter=tuple)
    context: Coordinate = Coordinate(32, 32, 32)

    def __attrs_post_init__(self) -> None:
        """Check the grids."""
        for name in ("offsets", "biases", "sigmas", "min_sizes"):
            if not getattr(self, name):
                raise ConfigError(f"{name} is empty, so there is nothing to try; give one or more")

    def enumerate_parameters(self) -> Iterator[WatershedPostProcessorParameters]:
        """Yield one setting for each bias, sigma and min_size."""
        for position, (bias, sigma, min_size) in enumerate(product(self.biases, self.sigmas, self.min_sizes)):
            yield WatershedPostProcessorParameters(position, bias, sigma, min_size, self.context)

    def label(self, prediction: NDArray[Any], parameters: WatershedPostProcessorParameters) -> NDArray[np.uint64]:
        """Return segments 1 … n and 0 for background; shape ``(*spatial)``."""
        if len(prediction) < len(self.offsets):
            raise DataError(
                f"the prediction has {len(prediction)} channels, but there are {len(self.offsets)} offsets, each of "
                "which needs a channel; give the offsets that the network was trained with"
            )
        return mutex_watershed(prediction[: len(self.offsets)], self.offsets, parameters.bias)

    def output_format(self, num_channels: int) -> tuple[int | None, DTypeLike]:  # noqa: ARG002
        """Return no channel axis, and uint64."""
        return None, np.uint64
