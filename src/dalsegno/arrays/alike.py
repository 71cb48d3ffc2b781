"""What arrays that are shown as one have in common."""

from typing import Any

import numpy as np

from dalsegno.arrays.array import Array
from dalsegno.errors import DataError

__all__ = ["check_alike", "common_dtype"]


def check_alike(first_name: str, first: Array, name: str, array: Array) -> None:
    """Check that two arrays cover the same region with the same voxels.

    Raises
    ------
    DataError
        If region, voxel size, units or spatial axes differ; the message names both.
    """
    for what in ("roi", "voxel_size", "units", "spatial_axes"):
        ours, theirs = getattr(first, what), getattr(array, what)
        if ours != theirs:
            raise DataError(
                f"{name} has {what} {theirs}, but {first_name} has {ours}; they need the same voxels: "
                "use CropArray or ResampledArray"
            )


def common_dtype(arrays: dict[str, Array]) -> np.dtype[Any]:
    """Return the smallest type that holds the values of all arrays exactly.

    Raises
    ------
    DataError
        If they are integers, and only a floating point type is wide enough.
    """
    dtypes = [array.dtype for array in arrays.values()]
    common = np.result_type(*dtypes)
    if common.kind == "f" and not any(dtype.kind == "f" for dtype in dtypes):
        shown = ", ".join(f"{name}: {array.dtype}" for name, array in arrays.items())
        raise DataError(f"no integer type holds all arrays exactly ({shown}); store them with the same type")
    return common
