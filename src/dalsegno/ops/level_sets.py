"""Segmentations of one image at several thresholds."""

from collections.abc import Sequence
from typing import Any, overload

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

__all__ = ["LevelSets"]


@frozen(eq=False)
class LevelSets(Sequence[NDArray[np.uint8]]):
    """What lies above each of several thresholds; one is made when it is asked for.

    Each is part of those at lower thresholds: what is measured where the lowest one is tells of all of them.

    Attributes
    ----------
    values
        Shape ``(C, *spatial)``.
    thresholds
        In any order; compared in the dtype of the values.
    """

    values: NDArray[Any]
    thresholds: tuple[float, ...]

    def __len__(self) -> int:
        return len(self.thresholds)

    @overload
    def __getitem__(self, index: int) -> NDArray[np.uint8]: ...

    @overload
    def __getitem__(self, index: slice) -> "LevelSets": ...

    def __getitem__(self, index: int | slice) -> "NDArray[np.uint8] | LevelSets":
        """Return 1 above a threshold and 0 elsewhere, shape ``(C, *spatial)``; of a slice, fewer thresholds."""
        if isinstance(index, slice):
            return LevelSets(self.values, self.thresholds[index])
        return (self.values > self.thresholds[index]).astype(np.uint8)
