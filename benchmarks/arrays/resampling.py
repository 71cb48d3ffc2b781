"""Resampling by two: ours against scipy, on the same block in memory."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy.ndimage import zoom
from timing import Row, compare
from volumes import Layout, store

from dalsegno.arrays.array import Array
from dalsegno.arrays.numpy_array import NumpyArrayConfig
from dalsegno.arrays.resampled_array import ResampledArrayConfig
from dalsegno.arrays.zarr_array import ZarrArrayConfig

EDGE = 128


def resampling(folder: Path, data: Any) -> Iterator[Row]:
    """Compare factors of 2 up and down, for intensities and labels."""
    block = data[:EDGE, :EDGE, :EDGE]
    labels = (block // 16).astype(np.uint32)
    for values, order in ((block, 1), (block.astype(np.float32), 1), (labels, 0)):
        path = store(folder / f"block {values.dtype}.zarr", values, Layout("plain", {"chunks": (64,) * 3}))
        for factor in (2.0, 0.5):
            array, name = _resampled(path, factor, order), f"x {factor:g} {values.dtype}, order {order}"
            _check_equal(array, values, factor, order)
            calls = 1 if factor > 1 else 20
            yield compare(
                f"ResampledArray {name}",
                partial(_reads, array, calls),
                partial(_zooms, values, factor, order, calls),
                against="scipy.ndimage.zoom",
                limit=1 / 3,
                rounds=5,
                calls=calls,
            )


def _resampled(path: Path, factor: float, order: int) -> Array:
    up, down = ((2, 2, 2), (1, 1, 1)) if factor > 1 else ((1, 1, 1), (2, 2, 2))
    held = NumpyArrayConfig(source_array_config=ZarrArrayConfig(file_name=path, dataset="", mode="r"))
    return ResampledArrayConfig(source_array_config=held, upsample=up, downsample=down, interp_order=order > 0).open()


def _reads(array: Array, calls: int) -> None:
    for _ in range(calls):
        array[array.roi]


def _zooms(values: Any, factor: float, order: int, calls: int) -> None:
    for _ in range(calls):
        _zoom(values, factor, order)


def _zoom(values: Any, factor: float, order: int) -> Any:
    return zoom(values, factor, order=order, mode="nearest", grid_mode=True)


def _check_equal(array: Array, values: Any, factor: float, order: int) -> None:
    """Hold the two to each other; labels downsampled by two have no middle voxel, and the two choose differently."""
    if order == 0 and factor < 1:
        np.testing.assert_array_equal(array.data, values[1::2, 1::2, 1::2])
        return
    expected = _zoom(values.astype(np.float64) if order else values, factor, order)
    tolerance = 0.5 + 1e-3 if values.dtype == np.uint8 else 1e-3
    np.testing.assert_allclose(array.data, expected, rtol=0, atol=tolerance)
