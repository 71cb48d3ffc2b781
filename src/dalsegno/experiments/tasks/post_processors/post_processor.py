"""How a prediction becomes a segmentation."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from numbers import Real
from typing import Any, Generic, TypeVar

import numpy as np
from funlib.geometry import Coordinate, Roi
from numpy.typing import DTypeLike, NDArray

from dalsegno.arrays.array import Array
from dalsegno.arrays.zarr_array import ZarrArray
from dalsegno.errors import ConfigError, DataError
from dalsegno.experiments.tasks.post_processors.block_work import in_parallel, whole_chunks, with_channels
from dalsegno.experiments.tasks.post_processors.output_place import check_apart
from dalsegno.experiments.tasks.post_processors.post_processor_parameters import PostProcessorParameters
from dalsegno.ops.blocks import blocks
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

    def check_format(self, num_channels: int, dims: int, dtype: np.dtype[Any], parameters: P) -> None:
        """Refuse a prediction that can't be post-processed, before it is read; by default none is.

        Parameters
        ----------
        num_channels, dims, dtype
            Of the prediction: channels, spatial axes and type.
        parameters
            One of the settings of this post-processor.

        Raises
        ------
        DataError
            If it does not fit this post-processor or the parameters.
        """

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
            Where the segmentation is written; what was there is replaced. If a block fails, there is none.
        num_workers
            Blocks in work at a time, never more than there are processors.
        block_size
            Voxels of a block; rounded up to a multiple of `chunk_size`. What is stored has chunks of about 64³
            voxels, in files no larger than a block, so that no two workers write the same one.
        chunk_size
            Voxels that a block is a multiple of. Of both sizes the last ones count where there are fewer axes.

        Raises
        ------
        DataError
            If no prediction was set, it does not fit the parameters or the sizes, or the output would replace it.
        """
        prediction = self._checked_prediction(parameters, output_array_identifier)
        block = whole_chunks(block_size, chunk_size, (1,) * prediction.dims)
        shape = prediction.roi.shape / prediction.voxel_size

        def process_block(roi: Roi) -> None:
            output[roi] = self.label(with_channels(prediction, roi), parameters)

        with self._new_output(prediction, output_array_identifier, block) as output:
            in_parallel(process_block, map(prediction.region, blocks(shape, block)), num_workers)
        return output

    @contextmanager
    def _new_output(
        self, prediction: Array, array_identifier: LocalArrayIdentifier, block: Coordinate
    ) -> Iterator[ZarrArray]:
        """Create the segmentation of a prediction, for blocks of so many voxels; without voxels if filling it fails."""
        num_channels, dtype = self.output_format(prediction.num_channels or 1)
        output = ZarrArray.create_from_array_identifier(
            array_identifier,
            (["c"] if num_channels is not None else []) + prediction.spatial_axes,
            prediction.roi,
            num_channels,
            prediction.voxel_size,
            np.dtype(dtype),
            write_size=block * prediction.voxel_size,
            units=prediction.units,
            overwrite=True,
        )
        try:
            yield output
        except BaseException:
            output.discard()
            raise

    def _checked_prediction(self, parameters: P, output_array_identifier: LocalArrayIdentifier) -> Array:
        prediction = self.prediction_array
        if prediction is None:
            raise DataError("there is no prediction to process; call set_prediction with a stored or an open array")
        own = type(next(iter(self.enumerate_parameters()), parameters))
        if not isinstance(parameters, own):
            raise DataError(
                f"{type(self).__name__} is given {parameters!r}, which is no {own.__name__}: it does not say how this "
                "prediction is segmented; give one of enumerate_parameters()"
            )
        self.check_format(prediction.num_channels or 1, prediction.dims, prediction.dtype, parameters)
        check_apart(prediction, output_array_identifier)
        return prediction


def check_grid(
    name: str,
    values: Sequence[Any],
    *,
    at_least: float | None = None,
    between: tuple[float, float] | None = None,
) -> None:
    """Check what a validation is to try.

    Raises
    ------
    ConfigError
        If there is nothing, or a number is none, too small, or not between the bounds of predictions.
    """
    if not values:
        raise ConfigError(f"{name} is empty, so that there is nothing to try; give one or more")
    numbers = [value for value in values if isinstance(value, (int, float))]
    wrong = [value for value in numbers if math.isnan(value) or (at_least is not None and value < at_least)]
    if wrong:
        wanted = "numbers" if at_least is None else f"{at_least} or above"
        raise ConfigError(f"{name} must be {wanted}, got {wrong}; leave them out")
    if between is not None and (problem := cut_problem(numbers, between)):
        raise ConfigError(f"{name} {problem}")


def cut_problem(values: Sequence[float], bounds: tuple[float, float]) -> str | None:
    """Return what is wrong with values at which predictions are cut, unless predictions lie on both sides of each."""
    low, high = bounds
    outside = [value for value in values if not low < value < high]
    if not outside:
        return None
    return (
        f"must lie between {low:g} and {high:g}, as predictions do, got {outside}: all voxels or none would be "
        "foreground; choose values in between"
    )


def is_number(value: Any) -> bool:
    """Return whether a value is a number, neither NaN nor infinite."""
    return isinstance(value, Real) and math.isfinite(value)


def check_finite(prediction: NDArray[Any]) -> None:
    """Check that a prediction can be compared.

    Raises
    ------
    DataError
        If there is a NaN in it.
    """
    if prediction.dtype.kind == "f" and any(np.isnan(channel).any() for channel in prediction):
        raise DataError(
            "the prediction holds NaN, which is neither above nor below any number, so it has no segmentation; look "
            "for NaN in raw, or take the weights of an iteration before training diverged"
        )
