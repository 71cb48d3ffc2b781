"""Prediction tile by tile equals prediction at once."""

import numpy as np
import pytest
import torch
from funlib.geometry import Coordinate, Roi

from dalsegno.arrays.numpy_array import NumpyArray
from dalsegno.engine.predict import predict, tiling_of
from dalsegno.errors import DataError
from dalsegno.experiments.architectures.cnnectome_unet import CNNectomeUNetConfig
from dalsegno.experiments.model import Model
from dalsegno.patches.padding import read_mirrored


def network(**changes):
    given = {
        "input_shape": (20, 20),
        "fmaps_in": 1,
        "fmaps_out": 4,
        "num_fmaps": 4,
        "fmap_inc_factor": 2,
        "downsample_factors": [(2, 2)],
    }
    config = CNNectomeUNetConfig(**given | changes)
    torch.manual_seed(0)
    architecture = config.architecture_type(config)
    convolution = torch.nn.Conv3d if architecture.dims == 3 else torch.nn.Conv2d
    return Model(architecture, convolution(config.fmaps_out, 2, 1), eval_activation=torch.nn.Sigmoid())


def volume(shape, voxel_size=(4, 2), offset=(40, 20)):
    data = np.random.default_rng(0).random(shape, np.float32)
    axes = ["z", "y", "x"][-len(voxel_size) :]
    axes = ["c", *axes] if data.ndim > len(voxel_size) else axes
    spatial = Coordinate(shape[-len(voxel_size) :])
    return NumpyArray.from_np_array(data, Roi(offset, spatial * Coordinate(voxel_size)), Coordinate(voxel_size), axes)


def at_once(model, raw, roi):
    """The whole region through the network in one piece."""
    tiling = tiling_of(model, raw.voxel_size)
    factor = tiling.write_shape
    grown = Roi(
        roi.begin, Coordinate(-(-length // size) * size for length, size in zip(roi.shape, factor, strict=True))
    )
    data = read_mirrored(raw, grown.grow(tiling.margin, tiling.margin))
    model.eval()
    with torch.inference_mode():
        values = model(torch.from_numpy(np.array(data))[None, None])[0].numpy()
    shape = roi.shape / tiling.voxel_size
    return values[(slice(None), *(slice(0, count) for count in shape))]


@pytest.mark.parametrize("shape", [(40, 40), (31, 53), (7, 90)])
def test_tiles_join_to_the_whole(shape):
    model, raw = network(), volume(shape)
    predicted = predict(model, raw)
    assert predicted.roi == raw.roi
    assert predicted.axes == ["c", "y", "x"]
    assert predicted.data.dtype == np.float32
    np.testing.assert_allclose(predicted.data, at_once(model, raw, raw.roi), atol=1e-5)


def test_a_region_is_predicted_as_in_the_whole():
    model, raw = network(), volume((60, 60))
    tile = tiling_of(model, raw.voxel_size).write_shape
    region = Roi(raw.roi.begin + tile, tile)
    np.testing.assert_allclose(predict(model, raw, region).data, predict(model, raw)[region], atol=1e-5)


def test_the_output_may_be_finer_than_raw():
    model, raw = network(upsample_factors=[(2, 2)]), volume((30, 30))
    predicted = predict(model, raw)
    assert predicted.voxel_size == Coordinate(2, 1)
    assert predicted.roi == raw.roi
    assert predicted.data.shape == (2, 60, 60)


def test_a_padding_network_sees_no_border_between_tiles():
    model, raw = network(padding="same", input_shape=(64, 64)), volume((128, 128))
    whole = network(padding="same", input_shape=(128, 128))
    inner = (slice(None), slice(16, -16), slice(16, -16))
    np.testing.assert_allclose(predict(model, raw).data[inner], predict(whole, raw).data[inner], atol=1e-5)


def test_three_dimensions_with_a_channel_axis():
    kernels = [[(1, 3, 3), (1, 3, 3)]]
    model = network(
        input_shape=(1, 20, 20),
        downsample_factors=[(1, 2, 2)],
        kernel_size_down=kernels * 2,
        kernel_size_up=kernels,
    )
    raw = volume((1, 3, 25, 25), voxel_size=(50, 4, 4), offset=(0, 0, 0))
    flat = NumpyArray.from_np_array(raw.data[0], raw.roi, raw.voxel_size, ["z", "y", "x"])
    np.testing.assert_array_equal(predict(model, raw).data, predict(model, flat).data)


def test_progress_is_told_tile_by_tile():
    seen = []
    predict(network(), volume((40, 40)), on_tile=lambda done, total: seen.append((done, total)))
    total = seen[0][1]
    assert seen == [(done, total) for done in range(1, total + 1)]


def test_nan_is_an_error_and_not_a_prediction():
    raw = volume((40, 40))
    raw[raw.roi] = np.nan
    with pytest.raises(DataError, match="NaN"):
        predict(network(), raw)


def test_a_wrong_number_of_channels_is_an_error():
    with pytest.raises(DataError, match="fmaps_in"):
        predict(network(), volume((3, 40, 40)))
