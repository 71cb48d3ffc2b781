"""Segments by the mutex watershed of affinities."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from attrs import define, field
from funlib.geometry import Coordinate
from numpy.typing import DTypeLike, NDArray
from scipy.ndimage import gaussian_filter

from dalsegno.arrays.array import Array
from dalsegno.config import coordinate
from dalsegno.errors import ConfigError, DataError
from dalsegno.experiments.tasks.post_processors.block_work import whole_chunks
from dalsegno.experiments.tasks.post_processors.blockwise_segmentation import BlockwiseSegmentation
from dalsegno.experiments.tasks.post_processors.post_processor import (
    BLOCK_SIZE,
    CHUNK_SIZE,
    PostProcessor,
    check_finite,
    check_grid,
    is_number,
)
from dalsegno.experiments.tasks.post_processors.watershed_post_processor_parameters import (
    WatershedPostProcessorParameters,
)
from dalsegno.ops.expansion import expand_segments
from dalsegno.ops.mutex_watershed import mutex_watershed
from dalsegno.store.array_store import LocalArrayIdentifier

__all__ = ["BOUNDS", "WatershedPostProcessor", "WatershedPostProcessorParameters"]


BOUNDS = (0.0, 1.0)
"""What affinities lie between."""


def _offsets(offsets: Iterable[Any]) -> tuple[Coordinate, ...]:
    return tuple(coordinate(offset) for offset in offsets)


def _numbers(given: Iterable[float]) -> tuple[float, ...]:
    return tuple(given)


def _sizes(given: Iterable[int]) -> tuple[int, ...]:
    return tuple(given)


@define
class WatershedPostProcessor(PostProcessor[WatershedPostProcessorParameters]):
    """Joins voxels that attract each other into segments, and separates those that repel each other more.

    Attributes
    ----------
    offsets
        Voxels from one end of each affinity to the other: those of the first channels of a prediction, in order.
        Further channels are not looked at.
    biases, sigmas, min_sizes, expansions
        What a validation tries: every combination. Smoothing and growth are along the axes that the offsets span.
    context
        Of all settings: voxels around blocks.

    Raises
    ------
    ConfigError
        If a grid is empty, a value is out of its range, or the offsets have different numbers of axes, or none.
    """

    offsets: tuple[Coordinate, ...] = field(converter=_offsets)
    biases: tuple[float, ...] = field(default=(0.1, 0.25, 0.5, 0.75, 0.9), converter=_numbers)
    sigmas: tuple[float, ...] = field(default=(0.0,), converter=_numbers)
    min_sizes: tuple[int, ...] = field(default=(0,), converter=_sizes)
    expansions: tuple[float, ...] = field(default=(0.0,), converter=_numbers)
    context: Coordinate = field(default=(32, 32, 32), converter=coordinate)

    def __attrs_post_init__(self) -> None:
        """Check grids and offsets."""
        check_grid("offsets", self.offsets)
        check_grid("biases", self.biases, between=BOUNDS)
        check_grid("sigmas", self.sigmas, at_least=0)
        check_grid("min_sizes", self.min_sizes, at_least=0)
        check_grid("expansions", self.expansions, at_least=0)
        dims = len(self.offsets[0])
        if any(len(offset) != dims or not any(offset) for offset in self.offsets):
            raise ConfigError(
                f"offsets {[tuple(offset) for offset in self.offsets]} must all lead from a voxel to another one along "
                "the same axes; give each as many numbers as the volume has axes, not all 0"
            )
        if len(self.context) < dims or min(self.context) < 0:
            raise ConfigError(
                f"context {tuple(self.context)} does not fit offsets of {dims} axes, as blocks need voxels around them "
                "along each; give a number from 0 for each axis"
            )

    def enumerate_parameters(self) -> Iterator[WatershedPostProcessorParameters]:
        """Yield one setting for each sigma, bias, min_size and expansion; the last varies fastest."""
        grid = product(self.sigmas, self.biases, self.min_sizes, self.expansions)
        for position, (sigma, bias, min_size, expansion) in enumerate(grid):
            yield WatershedPostProcessorParameters(position, bias, sigma, min_size, expansion, self.context)

    def label(self, prediction: NDArray[Any], parameters: WatershedPostProcessorParameters) -> NDArray[np.uint32]:
        """Return segments 1 … n in the order of their first voxels, 0 for background; shape ``(*spatial)``.

        Raises
        ------
        DataError
            If the prediction has fewer channels than there are offsets, or another number of axes, or is none of
            affinities between 0 and 1.
        """
        (labels,) = self.label_all(prediction, [parameters])
        return labels

    def label_all(
        self, prediction: NDArray[Any], settings: Sequence[WatershedPostProcessorParameters]
    ) -> Iterator[NDArray[np.uint32]]:
        """Return the segments of each setting; affinities are smoothed once for a sigma, segmented once for a bias.

        Settings are as fast as can be in the order of `enumerate_parameters`.
        """
        if not settings:
            return iter(())
        for setting in settings:
            self.check_format(len(prediction), prediction.ndim - 1, prediction.dtype, setting)
        return self._sweep(self._affinities(prediction), settings)

    def _sweep(
        self, affinities: NDArray[Any], settings: Sequence[WatershedPostProcessorParameters]
    ) -> Iterator[NDArray[np.uint32]]:
        for sigma, same_sigma in groupby(settings, lambda setting: setting.sigma):
            smoothed = self._smooth(affinities, sigma)
            for bias, same_bias in groupby(same_sigma, lambda setting: setting.bias):
                segments = mutex_watershed(smoothed, self.offsets, bias)
                for setting in same_bias:
                    kept = _without_small(segments, setting.min_size)
                    yield expand_segments(kept, setting.expansion, self._spanned)

    def output_format(self, num_channels: int) -> tuple[int | None, DTypeLike]:  # noqa: ARG002
        """Return no channel axis, and uint64, which no volume has too many segments for."""
        return None, np.uint64

    def process(
        self,
        parameters: WatershedPostProcessorParameters,
        output_array_identifier: LocalArrayIdentifier,
        num_workers: int = 16,
        block_size: Coordinate = BLOCK_SIZE,
        chunk_size: Coordinate = CHUNK_SIZE,
    ) -> Array:
        """Write the segments of the whole prediction, block by block.

        Each block is segmented with `context` voxels around it, or as many as the offsets reach where that is more;
        segments of neighbouring blocks that agree along their border are one. With enough context that is what
        `label` returns, up to the order of the segments. See `PostProcessor.process`, and `BlockwiseSegmentation` for
        what is joined; temporary files lie where `tempfile` puts them (``TMPDIR``).
        """
        prediction = self._checked_prediction(parameters, output_array_identifier)
        dims = prediction.dims
        reach = Coordinate(max(abs(step) for step in steps) for steps in zip(*self.offsets, strict=True))
        # nothing is shared along axes that no offset spans
        context = Coordinate(max(c, r) if r else 0 for c, r in zip(parameters.context[-dims:], reach, strict=True))
        block = whole_chunks(block_size, chunk_size, reach)

        def segment(values: NDArray[Any]) -> NDArray[np.uint32]:
            affinities = self._smooth(self._affinities(values), parameters.sigma)
            return mutex_watershed(affinities, self.offsets, parameters.bias)

        with self._new_output(prediction, output_array_identifier, block) as output, TemporaryDirectory() as folder:
            blocks = BlockwiseSegmentation(prediction, segment, block, context, reach, Path(folder))
            blocks.run(output, parameters.min_size, parameters.expansion, num_workers)
        return output

    def _affinities(self, prediction: NDArray[Any]) -> NDArray[Any]:
        affinities = prediction[: len(self.offsets)]
        check_finite(affinities)
        return affinities

    def check_format(
        self, num_channels: int, dims: int, dtype: np.dtype[Any], parameters: WatershedPostProcessorParameters
    ) -> None:
        """Refuse predictions without a channel for each offset, of other axes, or of integers; and settings of none."""
        if num_channels < len(self.offsets):
            raise DataError(
                f"the prediction has {num_channels} channels, but there are {len(self.offsets)} offsets, each of which "
                "needs a channel of affinities; give the offsets that the network was trained with"
            )
        if dims != len(self.offsets[0]):
            raise DataError(
                f"the prediction has {dims} axes, but offset {tuple(self.offsets[0])} has {len(self.offsets[0])}; give "
                "a number for each axis, 0 first for neighbours within a section"
            )
        if len(parameters.context) < dims or min(parameters.context) < 0:
            raise DataError(
                f"context {tuple(parameters.context)} does not fit a prediction of {dims} axes, as blocks need voxels "
                "around them along each; give a number from 0 for each axis"
            )
        if dtype.kind != "f":
            raise DataError(
                f"the prediction is of {dtype}, but biases are compared with affinities between 0 and 1; divide by the "
                "largest value of the type first"
            )
        if problem := _setting_problem(parameters):
            raise DataError(f"the setting {parameters} {problem}; give one of enumerate_parameters()")

    @property
    def _spanned(self) -> list[bool]:
        """For each axis, whether an offset leads along it."""
        return [any(steps) for steps in zip(*self.offsets, strict=True)]

    def _smooth(self, affinities: NDArray[Any], sigma: float) -> NDArray[Any]:
        if not sigma:
            return affinities
        smoothed = np.empty(affinities.shape, np.float32)
        sigmas = [sigma * along for along in self._spanned]
        for channel, output in zip(affinities, smoothed, strict=True):
            # scipy filters no half precision
            gaussian_filter(channel.astype(np.float32, copy=False), sigmas, output=output)
        return smoothed


def _setting_problem(parameters: WatershedPostProcessorParameters) -> str | None:
    """Return what keeps a setting from making segments."""
    low, high = BOUNDS
    if not (is_number(parameters.bias) and low < parameters.bias < high):
        return f"has the bias {parameters.bias!r}, but affinities lie between {low:g} and {high:g}: it divides none"
    for name in ("sigma", "min_size", "expansion"):
        value = getattr(parameters, name)
        if not (is_number(value) and value >= 0):
            return f"has the {name} {value!r}, which is no number of voxels from 0"
    return None


def _without_small(segments: NDArray[np.uint32], min_size: int) -> NDArray[np.uint32]:
    """Return the segments of at least so many voxels, numbered consecutively."""
    if min_size <= 1:
        return segments
    sizes = np.bincount(segments.ravel())
    sizes[0] = 0
    numbers = np.cumsum(sizes >= min_size, dtype=np.uint32) * (sizes >= min_size)
    kept: NDArray[np.uint32] = numbers.astype(np.uint32)[segments]
    return kept
