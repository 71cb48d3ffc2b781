"""Prediction of a volume that fits in memory, tile by tile."""

import itertools
from collections.abc import Callable, Iterator

import numpy as np
import torch
from attrs import frozen
from funlib.geometry import Coordinate, Roi
from numpy.typing import NDArray

from dalsegno.arrays.array import Array
from dalsegno.arrays.numpy_array import NumpyArray
from dalsegno.errors import DataError
from dalsegno.experiments.model import Model
from dalsegno.patches.padding import read_mirrored

__all__ = ["Tiling", "predict", "tiling_of"]


@frozen
class Tiling:
    """How a model cuts a volume; all in world units.

    Attributes
    ----------
    read_shape
        What goes into the network.
    write_shape
        What is kept of its output.
    margin
        From the begin of what is read to the begin of what is kept.
    crop
        Voxels cut off each side of the network's output.
    voxel_size
        Of the output.
    """

    read_shape: Coordinate
    write_shape: Coordinate
    margin: Coordinate
    crop: Coordinate
    voxel_size: Coordinate


def tiling_of(model: Model, raw_voxel_size: Coordinate) -> Tiling:
    """Return the tiles of a model in evaluation.

    A network with padding sees zeros around each tile: a quarter of its output is cut off each side,
    so that neighbouring tiles agree.
    """
    shape = model.eval_input_shape
    output = model.compute_output_shape(shape)
    voxel_size = model.scale(raw_voxel_size)
    padded = all(out * size == given * raw for out, size, given, raw in zip(
        output, voxel_size, shape, raw_voxel_size, strict=True))  # fmt: skip
    steps = Coordinate(max(1, raw // size) for raw, size in zip(raw_voxel_size, voxel_size, strict=True))
    crop = (
        Coordinate(out // 4 // step * step for out, step in zip(output, steps, strict=True)) if padded else output * 0
    )
    write = (output - crop * 2) * voxel_size
    read = shape * raw_voxel_size
    return Tiling(read, write, (read - write) / 2, crop, voxel_size)


def predict(
    model: Model,
    raw: Array,
    roi: Roi | None = None,
    *,
    device: torch.device | None = None,
    on_tile: Callable[[int, int], None] | None = None,
) -> NumpyArray:
    """Predict a region of a volume.

    Parameters
    ----------
    model
        In evaluation its activation is applied.
    raw
        Intensities, axes (c?, *spatial). Beyond its border it is mirrored.
    roi
        What to predict, world units on the grid of the output; all of raw if not given.
    device
        Where to compute; where the model is if not given.
    on_tile
        Called with the number of tiles done and of all tiles.

    Returns
    -------
    NumpyArray
        float32, axes (c, *spatial), in the voxel size of the model's output.

    Raises
    ------
    DataError
        If raw holds NaN, or does not have the channels that the model takes.
    """
    roi = raw.roi if roi is None else roi
    tiling = tiling_of(model, raw.voxel_size)
    roi = (roi - raw.roi.begin).snap_to_grid(tiling.voxel_size, mode="shrink") + raw.roi.begin
    channels = raw.num_channels or 1
    if channels != model.num_in_channels:
        raise DataError(
            f"raw has {channels} channels, the network takes {model.num_in_channels}; set fmaps_in to {channels}"
        )
    device = device or next(model.parameters()).device
    output: NDArray[np.float32] = np.empty((model.num_out_channels, *(roi.shape / tiling.voxel_size)), dtype=np.float32)
    result = NumpyArray.from_np_array(output, roi, tiling.voxel_size, ["c", *raw.spatial_axes], units=raw.units)
    tiles = list(_tiles(roi, tiling))
    was_training = model.training
    model.eval().to(device)
    with torch.inference_mode():
        for done, tile in enumerate(tiles, 1):
            result[tile.intersect(roi)] = _predict_tile(model, raw, tile, roi, tiling)
            if on_tile is not None:
                on_tile(done, len(tiles))
    model.train(was_training)
    return result


def _predict_tile(model: Model, raw: Array, tile: Roi, roi: Roi, tiling: Tiling) -> NDArray[np.float32]:
    read = Roi(tile.begin - tiling.margin, tiling.read_shape)
    data = np.asarray(read_mirrored(raw, read), dtype=np.float32)
    if not np.isfinite(data).all():
        raise DataError(
            f"raw holds NaN or infinite values near {tile}; the prediction would too: fill them in the data"
        )
    data = data.reshape(1, -1, *data.shape[-raw.dims :])
    values = model(torch.from_numpy(data).to(next(model.parameters()).device)).float().cpu().numpy()[0]
    inside = tile.intersect(roi)
    begin = (inside.begin - tile.begin) / tiling.voxel_size + tiling.crop
    shape = inside.shape / tiling.voxel_size
    kept = tuple(slice(first, first + count) for first, count in zip(begin, shape, strict=True))
    return np.asarray(values[(slice(None), *kept)], dtype=np.float32)


def _tiles(roi: Roi, tiling: Tiling) -> Iterator[Roi]:
    """Yield the tiles; the last of each axis may reach beyond the region."""
    axes = [range(*edges) for edges in zip(roi.begin, roi.end, tiling.write_shape, strict=True)]
    for begin in itertools.product(*axes):
        yield Roi(begin, tiling.write_shape)
