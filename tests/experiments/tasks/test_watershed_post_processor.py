import json

import numpy as np
import pytest
from funlib.geometry import Coordinate, Roi
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import distance_transform_edt, gaussian_filter
from upath import UPath

from dalsegno.arrays.zarr_array import ZarrArray
from dalsegno.components import find_class
from dalsegno.errors import ConfigError, DataError
from dalsegno.experiments.tasks.post_processors.watershed_post_processor import WatershedPostProcessor
from dalsegno.experiments.tasks.post_processors.watershed_post_processor_parameters import (
    WatershedPostProcessorParameters,
)
from dalsegno.experiments.validation_scores import output_identifier
from dalsegno.store.array_store import LocalArrayIdentifier

OFFSETS = [(1, 0, 0), (0, 1, 0), (0, 0, 1), (-3, 0, 0), (0, 3, 0), (0, 0, -3)]
SMALL = Coordinate(8, 8, 8)


def affinities(segments, offsets=OFFSETS, noise=0.1, seed=0):
    """What a good network predicts of segments, 0 to 1."""
    result = np.zeros((len(offsets), *segments.shape), np.float32)
    for channel, offset in zip(result, offsets, strict=True):
        here = tuple(slice(max(0, -k), n - max(0, k)) for k, n in zip(offset, segments.shape, strict=True))
        there = tuple(slice(max(0, k), n - max(0, -k)) for k, n in zip(offset, segments.shape, strict=True))
        channel[here] = (segments[here] == segments[there]) & (segments[here] > 0)
    noisy = 0.05 + 0.9 * result + noise * np.random.default_rng(seed).standard_normal(result.shape)
    return np.clip(noisy, 0, 1).astype(np.float32)


def cells(shape, number, seed=0):
    """Cells that fill the volume, with some background."""
    seeds = np.zeros(shape, int)
    places = np.random.default_rng(seed).integers(0, shape, (number, len(shape)))
    seeds[tuple(places.T)] = np.arange(1, number + 1)
    nearest = distance_transform_edt(seeds == 0, return_distances=False, return_indices=True)
    return np.where(
        gaussian_filter(np.random.default_rng(seed).standard_normal(shape), 3) > -0.05, seeds[tuple(nearest)], 0
    )


def same_segments(one, other):
    """Return whether two segmentations are equal up to the numbers of their segments."""
    pairs = np.unique(np.stack([one.ravel(), other.ravel()]).astype(int), axis=1)
    return pairs.shape[1] == len(np.unique(one)) == len(np.unique(other)) and ((pairs == 0).sum(axis=0) != 1).all()


SEGMENTS = cells((40, 36, 44), 12)
PREDICTION = affinities(SEGMENTS)


def process(tmp_path, processor, prediction, setting, **sizes):
    processor.set_prediction(prediction)
    identifier = LocalArrayIdentifier(UPath(tmp_path / "run.zarr"), f"output/{setting}")
    processor.process(setting, identifier, **sizes)
    return ZarrArray.open_from_array_identifier(identifier)


def test_settings_are_values_with_names():
    processor = WatershedPostProcessor(
        OFFSETS, biases=(0.3, 0.5), sigmas=(0.0, 1.0), min_sizes=(0, 20), expansions=(0, 2), context=(4, 4, 4)
    )
    found = list(processor.enumerate_parameters())
    assert [setting.id for setting in found] == list(range(16))
    assert len(set(map(str, found))) == 16
    assert len({(setting.bias, setting.sigma, setting.min_size, setting.expansion) for setting in found}) == 16
    assert found[-1] == WatershedPostProcessorParameters(15, 0.5, 1.0, 20, 2, Coordinate(4, 4, 4))
    assert found[-1].as_dict() == {
        "id": 15,
        "bias": 0.5,
        "sigma": 1.0,
        "min_size": 20,
        "expansion": 2,
        "context": [4, 4, 4],
    }
    assert str(found[-1]) == "bias_0.5_sigma_1.0_min_size_20_expansion_2_context_4x4x4"
    assert found[0].parameter_names == ["id", "bias", "sigma", "min_size", "expansion", "context"]
    assert find_class("WatershedPostProcessorParameters", "post_processor") is WatershedPostProcessorParameters
    defaults = [setting.bias for setting in WatershedPostProcessor(OFFSETS).enumerate_parameters()]
    assert defaults == [0.1, 0.25, 0.5, 0.75, 0.9]
    assert WatershedPostProcessorParameters(0).context == Coordinate(32, 32, 32)


def test_a_setting_survives_being_stored():
    setting = WatershedPostProcessorParameters(3, 0.75, 1.0, 50, 2.5, (8, 16, 16))
    stored = json.loads(json.dumps(setting.as_dict()))
    assert WatershedPostProcessorParameters(**stored) == setting
    assert output_identifier("a", stored, "voi") == output_identifier("a", setting.as_dict(), "voi")
    assert hash(output_identifier("a", stored, "voi"))


def test_good_affinities_give_the_segments():
    found = WatershedPostProcessor(OFFSETS).label(PREDICTION, WatershedPostProcessorParameters(0, 0.5))
    large = found * np.isin(found, np.flatnonzero(np.bincount(found.ravel()) > 50))
    inside = (SEGMENTS > 0) & (large > 0)
    assert inside.sum() > 0.98 * (SEGMENTS > 0).sum()
    assert same_segments(SEGMENTS[inside], large[inside])


def test_a_sweep_gives_what_each_setting_gives():
    processor = WatershedPostProcessor(OFFSETS, (0.3, 0.6), (0.0, 0.7), (0, 10, 200))
    prediction = PREDICTION[:, :16, :16, :16]
    found = list(processor.enumerate_parameters())
    for setting, labels in zip(found, processor.label_all(prediction, found), strict=True):
        np.testing.assert_array_equal(labels, processor.label(prediction, setting))


def test_half_precision_is_smoothed_as_well():
    prediction, processor = PREDICTION[:, :16, :16, :16].astype(np.float16), WatershedPostProcessor(OFFSETS)
    setting = WatershedPostProcessorParameters(0, 0.5, sigma=1.0)
    expected = processor.label(prediction.astype(np.float32), setting)
    np.testing.assert_array_equal(processor.label(prediction, setting), expected)


@settings(max_examples=15)
@given(st.integers(0, 100), st.floats(0.2, 0.8), st.integers(0, 30))
def test_segments_are_numbered_consecutively_and_large_enough(seed, bias, min_size):
    prediction = np.random.default_rng(seed).random((6, 7, 8, 9), np.float32)
    labels = WatershedPostProcessor(OFFSETS).label(
        prediction, WatershedPostProcessorParameters(0, bias, min_size=min_size)
    )
    numbers, first, sizes = np.unique(labels[labels > 0], return_index=True, return_counts=True)
    assert numbers.tolist() == list(range(1, len(numbers) + 1))
    assert (np.diff(first) > 0).all()
    assert (sizes >= min_size).all()


def test_channels_after_those_of_the_offsets_do_not_count():
    setting = WatershedPostProcessorParameters(0, 0.5)
    processor = WatershedPostProcessor(OFFSETS)
    more = np.concatenate([PREDICTION, np.full((10, *SEGMENTS.shape), np.nan, np.float32)])
    np.testing.assert_array_equal(processor.label(more, setting), processor.label(PREDICTION, setting))


def test_sections_are_apart_without_offsets_between_them(tmp_path, make_array):
    offsets = [(0, 1, 0), (0, 0, 1), (0, 3, 0), (0, 0, 3)]
    prediction = affinities(SEGMENTS, offsets)[:, :6]
    processor = WatershedPostProcessor(offsets)
    setting = WatershedPostProcessorParameters(0, 0.5, sigma=0.5)
    labels = processor.label(prediction, setting)
    flat = WatershedPostProcessor([offset[1:] for offset in offsets])
    for section, one in zip(labels, prediction.swapaxes(0, 1), strict=True):
        assert same_segments(section, flat.label(one, setting))
    assert sum(len(np.unique(section)) - 1 for section in labels) == labels.max()
    blocks = process(tmp_path, processor, make_array(prediction), setting, block_size=(2, 16, 16), chunk_size=(2, 8, 8))
    assert same_segments(blocks.data, labels)


@pytest.mark.parametrize(("min_size", "expansion"), [(0, 0), (100, 0), (100, 3.5)])
@pytest.mark.parametrize(("block_size", "num_workers"), [((256, 256, 256), 1), ((16, 16, 16), 2), ((8, 40, 24), 16)])
def test_block_by_block_gives_what_memory_gives(tmp_path, make_array, min_size, expansion, block_size, num_workers):
    processor = WatershedPostProcessor(OFFSETS)
    setting = WatershedPostProcessorParameters(
        0, 0.5, min_size=min_size, expansion=expansion, context=Coordinate(16, 16, 16)
    )
    output = process(
        tmp_path,
        processor,
        make_array(PREDICTION, (40, 4, 4), (80, 12, -4)),
        setting,
        block_size=Coordinate(block_size),
        chunk_size=SMALL,
        num_workers=num_workers,
    )
    found = output.data
    assert same_segments(found, processor.label(PREDICTION, setting))
    assert found.dtype == np.uint64
    assert found.max() == len(np.unique(found)) - 1
    assert output.roi == Roi((80, 12, -4), (1600, 144, 176))
    assert (output.voxel_size, output.units) == (Coordinate(40, 4, 4), "nm")


def test_blocks_in_two_dimensions_and_without_channels(tmp_path, make_array):
    stripes = np.repeat(np.arange(1, 5), 10)[:, None] * np.ones((1, 50), int)
    prediction = affinities(stripes, [(1, 0), (0, 1), (0, 4)])
    processor = WatershedPostProcessor([(1, 0), (0, 1), (0, 4)])
    setting = WatershedPostProcessorParameters(0, 0.5)
    output = process(tmp_path, processor, make_array(prediction, (4, 4)), setting, block_size=SMALL, chunk_size=SMALL)
    assert same_segments(output.data, processor.label(prediction, setting))
    processor = WatershedPostProcessor([(0, 1)])
    output = process(
        tmp_path, processor, make_array(prediction[1], (4, 4)), setting, block_size=SMALL, chunk_size=SMALL
    )
    assert same_segments(output.data, processor.label(prediction[1:2], setting))


def test_a_volume_of_background(tmp_path, make_array):
    processor = WatershedPostProcessor(OFFSETS)
    setting = WatershedPostProcessorParameters(0, 0.5)
    prediction = np.zeros((6, 20, 20, 20), np.float32)
    assert not processor.label(prediction, setting).any()
    assert not process(
        tmp_path, processor, make_array(prediction), setting, block_size=SMALL, chunk_size=SMALL
    ).data.any()


def test_a_block_that_fails_leaves_no_result(tmp_path, make_array):
    prediction = PREDICTION.copy()
    prediction[0, 30, 30, 30] = np.nan
    processor = WatershedPostProcessor(OFFSETS)
    setting = WatershedPostProcessorParameters(0, 0.5, context=SMALL)
    with pytest.raises(DataError, match="NaN"):
        process(tmp_path, processor, make_array(prediction), setting, block_size=2 * SMALL, chunk_size=SMALL)
    with pytest.raises(DataError):
        ZarrArray.open_from_array_identifier(LocalArrayIdentifier(UPath(tmp_path / "run.zarr"), f"output/{setting}"))
    output = process(tmp_path, processor, make_array(PREDICTION), setting, block_size=2 * SMALL, chunk_size=SMALL)
    assert output.data.any()


@pytest.mark.parametrize(
    ("prediction", "message"),
    [
        (PREDICTION[:5], "5 channels, but there are 6 offsets"),
        (PREDICTION[:, 0], "2 axes, but offset"),
        ((PREDICTION * 255).astype(np.uint8), "divide by the largest"),
        (np.full_like(PREDICTION, np.nan), "NaN"),
    ],
)
def test_predictions_that_do_not_fit(tmp_path, make_array, prediction, message):
    processor = WatershedPostProcessor(OFFSETS)
    setting = WatershedPostProcessorParameters(0)
    with pytest.raises(DataError, match=message):
        processor.label(prediction, setting)
    with pytest.raises(DataError, match=message):
        process(tmp_path, processor, make_array(prediction, (8,) * (prediction.ndim - 1)), setting)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"bias": 7.0}, "bias 7.0, but affinities lie between 0 and 1"),
        ({"bias": "a"}, "bias 'a'"),
        ({"bias": float("nan")}, "bias nan"),
        ({"sigma": -1.0}, "sigma -1.0"),
        ({"min_size": None}, "min_size None"),
        ({"expansion": float("inf")}, "expansion inf"),
        ({"context": (-1, -1, -1)}, "context"),
        ({"context": (8, 8)}, "context"),
    ],
)
def test_settings_that_make_no_segments(tmp_path, make_array, values, message):
    processor = WatershedPostProcessor(OFFSETS)
    setting = WatershedPostProcessorParameters(0, **values)
    good = WatershedPostProcessorParameters(1)
    with pytest.raises(DataError, match=message):
        processor.label_all(PREDICTION, [good, setting])
    with pytest.raises(DataError, match=message):
        process(tmp_path, processor, make_array(PREDICTION), setting)
    assert not (tmp_path / "run.zarr").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"offsets": ()}, "offsets is empty"),
        ({"offsets": [(1, 0), (0, 0, 1)]}, "same axes"),
        ({"offsets": [(0, 0, 0)]}, "another one"),
        ({"biases": ()}, "biases is empty"),
        ({"biases": (float("nan"),)}, "must be numbers"),
        ({"biases": (0.5, 5.0, 0.0)}, r"between 0 and 1, .* got \[5.0, 0.0\]"),
        ({"sigmas": (-1.0,)}, "0 or above"),
        ({"min_sizes": (-1,)}, "0 or above"),
        ({"context": (8, 8)}, "each axis"),
    ],
)
def test_grids_that_can_not_be(options, message):
    with pytest.raises(ConfigError, match=message):
        WatershedPostProcessor(**({"offsets": OFFSETS} | options))
