"""What may be written to a region: as numpy has it, whatever stands behind."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dalsegno.sources.errors import SourceError, ValueOutOfRange

__all__ = ["fitted"]


def fitted(value: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return a value as an array of a shape and dtype.

    Parameters
    ----------
    value
        Anything that numpy broadcasts to the shape; axes of length 1 before it are dropped. Arrays are cast as numpy
        casts them; plain numbers, and lists of them, have to fit the dtype.
    shape, dtype
        Of the region that is written.

    Raises
    ------
    ValueOutOfRange
        If a plain number is beyond the dtype; an `OverflowError` and a `ValueError`.
    SourceError
        If the shape does not fit; a `ValueError`.
    """
    if hasattr(value, "dtype"):
        given = np.asarray(value).astype(dtype)
    else:
        try:
            given = np.asarray(value, dtype)
        except (OverflowError, ValueError) as error:
            raise ValueOutOfRange(
                f"{value!r:.80} can't be written as {dtype}: {error}; give values that this type holds, or cast them "
                f"as you mean it: np.asarray(value).astype({dtype.name!r})"
            ) from error
    spare = max(0, given.ndim - len(shape))
    if given.shape[:spare] == (1,) * spare:
        given = given.reshape(given.shape[spare:])
    try:
        return np.broadcast_to(given, shape)
    except ValueError as error:
        raise SourceError(
            f"values of shape {np.shape(value)} don't fit the region of shape {shape}; give that shape, or one that "
            "numpy broadcasts to it"
        ) from error
