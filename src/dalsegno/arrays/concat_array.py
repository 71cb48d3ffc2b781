"""Arrays side by side as channels."""

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

import numpy as np
from funlib.geometry import Roi
from numpy.typing import NDArray

from dalsegno.arrays.alike import check_alike, common_dtype
from dalsegno.arrays.array import ArrayConfig
from dalsegno.arrays.array_view import ArrayView
from dalsegno.config import config, field
from dalsegno.errors import DataError, Problem

__all__ = ["ConcatArray", "ConcatArrayConfig"]


@config
class ConcatArrayConfig(ArrayConfig):
    """Arrays side by side as channels, in the order of `channels`."""

    channels: tuple[str, ...] = field(help="Names of the channels, in their order.")
    source_array_configs: dict[str, ArrayConfig] = field(help="The array of each channel, by name.")
    default_config: ArrayConfig | None = field(
        help="The array of channels that have none of their own; zeros if not given.", default=None
    )

    def problems(self) -> Iterator[Problem]:
        """Yield a problem for each array without a channel, and if there is no array at all."""
        for name in self.source_array_configs:
            if name not in self.channels:
                near = get_close_matches(name, self.channels, 1)
                hint = f"did you mean {near[0]!r}?" if near else f"add it to channels: {', '.join(self.channels)}"
                yield Problem(f"{name!r} is none of the channels; {hint}", ("source_array_configs", name))
        if not self.source_array_configs and self.default_config is None:
            yield Problem("there is no array to take voxel size and region from; give one", ("source_array_configs",))
        if len(set(self.channels)) != len(self.channels):
            yield Problem(f"channels {self.channels} are not distinct; give each its own name", ("channels",))


class ConcatArray(ArrayView):
    """Channels from several arrays, axes (c, *spatial). All cover the same region with the same voxels.

    Attributes
    ----------
    source_arrays
        The array of each channel that has one, by name.

    Raises
    ------
    DataError
        If arrays differ in region, voxel size, axes or units, have several channels, or have types that no common
        type holds exactly.
    """

    def __init__(self, array_config: ConcatArrayConfig) -> None:
        self.config = array_config
        own = array_config.source_array_configs
        default = None if array_config.default_config is None else array_config.default_config.open()
        opened = {name: own[name].open() if name in own else default for name in array_config.channels}
        self.source_arrays = {name: array for name, array in opened.items() if array is not None}
        (first_name, first), *others = self.source_arrays.items()
        super().__init__(first)
        for name, array in others:
            check_alike(f"channel {first_name!r}", first, f"channel {name!r}", array)
        for name, array in self.source_arrays.items():
            if array.num_channels not in (None, 1):
                raise DataError(
                    f"channel {name!r}: {array} has {array.num_channels} channels itself; give one with one"
                )
        self._dtype = common_dtype(self.source_arrays)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The smallest type that holds all sources."""
        return self._dtype

    @property
    def num_channels(self) -> int:
        """One for each name."""
        return len(self.config.channels)

    @property
    def channels(self) -> list[str]:
        """Names of the channels, in their order."""
        return list(self.config.channels)

    def _read(self, roi: Roi) -> NDArray[Any]:
        joined = np.zeros(self._extent(roi), self.dtype)
        # the default may stand for many channels, and is read once
        for array in {id(one): one for one in self.source_arrays.values()}.values():
            block = array[roi].reshape(joined.shape[1:])
            joined[[self.source_arrays.get(name) is array for name in self.config.channels]] = block
        return joined


ConcatArrayConfig.array_type = ConcatArray
