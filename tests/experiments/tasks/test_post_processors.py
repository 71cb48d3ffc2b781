import numpy as np
import pytest
from funlib.geometry import Coordinate, Roi
from hypothesis import given
from hypothesis.extra.numpy import arrays
from upath import UPath

from dalsegno.arrays.concat_array import ConcatArrayConfig
from dalsegno.arrays.crop_array import CropArrayConfig
from dalsegno.arrays.zarr_array import ZarrArray
from dalsegno.components import find_class
from dalsegno.errors import ConfigError, DataError
from dalsegno.experiments.tasks.post_processors.argmax_post_processor import ArgmaxPostProcessor
from dalsegno.experiments.tasks.post_processors.dummy_post_processor import DummyPostProcessor
from dalsegno.experiments.tasks.post_processors.threshold_post_processor import ThresholdPostProcessor
from dalsegno.experiments.tasks.post_processors.threshold_post_processor_parameters import (
    ThresholdPostProcessorParameters,
)
from dalsegno.experiments.tasks.post_processors.watershed_post_processor import WatershedPostProcessor
from dalsegno.store.array_store import LocalArrayIdentifier

PREDICTION = np.random.default_rng(0).standard_normal((3, 20, 21, 22)).astype(np.float32)


def test_settings_are_values_with_names():
    settings = list(ThresholdPostProcessor((-0.1, 0.2)).enumerate_parameters())
    assert settings == [ThresholdPostProcessorParameters(0, -0.1), ThresholdPostProcessorParameters(1, 0.2)]
    assert settings[1].parameter_names == ["id", "threshold"]
    assert settings[1].as_dict() == {"id": 1, "threshold": 0.2}
    assert ThresholdPostProcessorParameters(**settings[1].as_dict()) == settings[1]
    assert list(map(str, settings)) == ["threshold_-0.1", "threshold_0.2"]
    (only,) = ArgmaxPostProcessor().enumerate_parameters()
    assert (only.as_dict(), str(only)) == ({"id": 1}, "argmax")
    assert find_class("ThresholdPostProcessorParameters", "post_processor") is ThresholdPostProcessorParameters


def test_thresholds_are_on_the_scale_of_the_prediction():
    labels = ThresholdPostProcessor().label(np.array([[-0.5, 0.0, 0.1]]), ThresholdPostProcessorParameters(0, 0.0))
    assert labels.dtype == np.uint8
    assert labels.tolist() == [[0, 0, 1]]


@given(arrays(np.float32, (4, 3, 3), elements={"min_value": -1, "max_value": 1}))
def test_a_higher_threshold_never_adds_foreground(prediction):
    processor = ThresholdPostProcessor((-0.4, 0.0, 0.4))
    counts = [processor.label(prediction, setting).sum() for setting in processor.enumerate_parameters()]
    assert counts == sorted(counts, reverse=True)


def test_argmax_needs_a_wider_type_for_many_classes():
    (setting,) = ArgmaxPostProcessor().enumerate_parameters()
    labels = ArgmaxPostProcessor().label(np.eye(300)[:, None], setting)
    assert labels.dtype == np.uint16
    np.testing.assert_array_equal(labels[0], np.arange(300))
    assert ArgmaxPostProcessor().label(np.eye(3)[:, None], setting).dtype == np.uint8


@pytest.mark.parametrize(
    "processor",
    [ThresholdPostProcessor((0.3,)), ThresholdPostProcessor((0.3,), channels=(2, 0)), ArgmaxPostProcessor()],
)
@pytest.mark.parametrize("block_size", [Coordinate(256, 256, 256), Coordinate(10, 9, 8)])
def test_block_by_block_gives_what_memory_gives(tmp_path, make_array, processor, block_size):
    (setting,) = processor.enumerate_parameters()
    processor.set_prediction(make_array(PREDICTION, (40, 4, 4), (80, 12, -4)))
    identifier = LocalArrayIdentifier(UPath(tmp_path / "out.zarr"), f"output/{setting}")
    for _ in range(2):
        processor.process(setting, identifier, block_size=block_size, chunk_size=Coordinate(8, 8, 8))
    output = ZarrArray.open_from_array_identifier(identifier)
    expected = processor.label(PREDICTION, setting)
    np.testing.assert_array_equal(output.data, expected)
    assert output.data.dtype == expected.dtype
    assert output.roi == Roi((80, 12, -4), (800, 84, 88))
    assert (output.voxel_size, output.units) == (Coordinate(40, 4, 4), "nm")


def test_a_stored_prediction_without_channels_in_two_dimensions(tmp_path, make_array):
    container = UPath(tmp_path / "run.zarr")
    stored = LocalArrayIdentifier(container, "prediction")
    array = ZarrArray.create_from_array_identifier(
        stored, ["y", "x"], Roi((0, 0), (80, 80)), None, Coordinate(4, 4), np.dtype(np.float32), units="nm"
    )
    array[array.roi] = PREDICTION[0, :20, :20, 0]
    processor = ThresholdPostProcessor()
    processor.set_prediction(stored)
    (setting,) = processor.enumerate_parameters()
    output = processor.process(setting, LocalArrayIdentifier(container, "output"), num_workers=1)
    np.testing.assert_array_equal(output.data, PREDICTION[:1, :20, :20, 0] > 0)


def test_there_must_be_a_prediction(tmp_path):
    (setting,) = ArgmaxPostProcessor().enumerate_parameters()
    with pytest.raises(DataError, match="set_prediction"):
        ArgmaxPostProcessor().process(setting, LocalArrayIdentifier(UPath(tmp_path / "a.zarr"), "b"))


def stored_prediction(container):
    identifier = LocalArrayIdentifier(container, "2/va/prediction")
    array = ZarrArray.create_from_array_identifier(
        identifier, ["c", "z", "y", "x"], Roi((0, 0, 0), (8, 8, 8)), 1, Coordinate(1, 1, 1), np.float32
    )
    array[array.roi] = PREDICTION[:1, :8, :8, :8].clip(0.1, 0.9)
    return identifier


@pytest.mark.parametrize(
    "name", ["2/va/prediction", "/2/va/prediction/", "2/va/prediction/s0", "2/va", "", "2/../2/va"]
)
@pytest.mark.parametrize(
    "processor", [ThresholdPostProcessor(), ArgmaxPostProcessor(), WatershedPostProcessor([(0, 0, 1)])]
)
def test_no_output_replaces_its_prediction(tmp_path, processor, name):
    (tmp_path / "link").symlink_to(tmp_path)
    identifier = stored_prediction(UPath(tmp_path / "run.zarr"))
    stored = ZarrArray.open_from_array_identifier(identifier)
    before = stored.data
    setting = next(iter(processor.enumerate_parameters()))
    crop = CropArrayConfig(source_array_config=stored.config, roi=stored.roi)
    several = ConcatArrayConfig(channels=["a", "b"], source_array_configs={"a": crop, "b": crop})
    for prediction in (identifier, several.open()):
        processor.set_prediction(prediction)
        with pytest.raises(DataError, match="give the output another name"):
            processor.process(setting, LocalArrayIdentifier(UPath(tmp_path / "link/run.zarr"), name))
    np.testing.assert_array_equal(ZarrArray.open_from_array_identifier(identifier).data, before)
    processor.process(setting, LocalArrayIdentifier(UPath(tmp_path / "run.zarr"), "2/va/prediction2"))
    np.testing.assert_array_equal(ZarrArray.open_from_array_identifier(identifier).data, before)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"block_size": Coordinate(16, 16)}, r"block_size \(16, 16\) divides no prediction of 3 axes"),
        ({"chunk_size": Coordinate(8, 8)}, r"chunk_size \(8, 8\)"),
        ({"block_size": Coordinate(16, 0, 16)}, "above 0"),
        ({"chunk_size": Coordinate(8, 8, -8)}, "above 0"),
        ({"chunk_size": (8, 8, 0.5)}, "whole number"),
    ],
)
@pytest.mark.parametrize("processor", [ThresholdPostProcessor(), WatershedPostProcessor([(0, 0, 1)])])
def test_sizes_that_are_none_of_blocks(tmp_path, make_array, processor, sizes, message):
    processor.set_prediction(make_array(PREDICTION))
    identifier = LocalArrayIdentifier(UPath(tmp_path / "out.zarr"), "output")
    with pytest.raises(DataError, match=message):
        processor.process(next(iter(processor.enumerate_parameters())), identifier, **sizes)
    assert not identifier.container.exists()


@pytest.mark.parametrize(
    ("processor", "setting", "message"),
    [
        (ThresholdPostProcessor(), *ArgmaxPostProcessor().enumerate_parameters(), "no ThresholdPostProcessorParam"),
        (ArgmaxPostProcessor(), ThresholdPostProcessorParameters(0, 0.1), "no ArgmaxPostProcessorParameters"),
        (WatershedPostProcessor([(0, 0, 1)]), ThresholdPostProcessorParameters(0, 0.1), "no WatershedPostProcessorPa"),
        (ThresholdPostProcessor(), ThresholdPostProcessorParameters(0, "low"), "'low' is no number"),
        (ThresholdPostProcessor(), ThresholdPostProcessorParameters(0, float("nan")), "nan is no number"),
    ],
)
def test_settings_that_are_none(tmp_path, make_array, processor, setting, message):
    processor.set_prediction(make_array(PREDICTION))
    with pytest.raises(DataError, match=message):
        processor.process(setting, LocalArrayIdentifier(UPath(tmp_path / "out.zarr"), "output"))
    assert not (tmp_path / "out.zarr").exists()


def test_chosen_channels_are_cut():
    processor = ThresholdPostProcessor((0.0, 0.5), channels=[2, 0])
    found = list(processor.enumerate_parameters())
    for setting, labels in zip(found, processor.label_all(PREDICTION, found), strict=True):
        np.testing.assert_array_equal(labels, PREDICTION[[2, 0]] > setting.threshold)
        np.testing.assert_array_equal(labels, processor.label(PREDICTION, setting))
    assert processor.output_format(3) == (2, np.uint8)
    with pytest.raises(DataError, match="channel 2 is to be cut"):
        processor.label(PREDICTION[:2], found[0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"thresholds": ()}, "thresholds is empty"),
        ({"thresholds": (0.5, 1.5), "bounds": (-1, 1)}, r"between -1 and 1, .* got \[1.5\]"),
        ({"thresholds": (0.5, 1.0), "bounds": (0, 1)}, r"between 0 and 1, .* got \[1.0\]"),
        ({"thresholds": (float("nan"),)}, "must be numbers"),
        ({"channels": ()}, "channels is empty"),
        ({"channels": (-1,)}, "0 or above"),
    ],
)
def test_grids_that_can_not_be(options, message):
    with pytest.raises(ConfigError, match=message):
        ThresholdPostProcessor(**options)


@pytest.mark.parametrize("threshold", [-0.1, 255, 300.0])
def test_thresholds_that_integers_are_all_above_or_below(tmp_path, make_array, threshold):
    processor = ThresholdPostProcessor((threshold,))
    (setting,) = processor.enumerate_parameters()
    prediction = np.zeros((1, 3, 3, 3), np.uint8)
    processor.set_prediction(make_array(prediction))
    identifier = LocalArrayIdentifier(UPath(tmp_path / "out.zarr"), "output")
    with pytest.raises(DataError, match=r"uint8, whose values are 0 to 255"):
        processor.label(prediction, setting)
    with pytest.raises(DataError, match=r"uint8, whose values are 0 to 255"):
        processor.process(setting, identifier)
    assert not identifier.container.exists()


def test_integers_are_cut_on_their_own_scale():
    processor = ThresholdPostProcessor((127.5,))
    assert processor.label(np.array([[127, 128]], np.uint8), *processor.enumerate_parameters()).tolist() == [[0, 1]]


@pytest.mark.parametrize("processor", [ThresholdPostProcessor(), ArgmaxPostProcessor()])
def test_nan_is_no_prediction_and_leaves_no_result(tmp_path, make_array, processor):
    prediction = PREDICTION.copy()
    prediction[1, 19, 3, 4] = np.nan
    (setting,) = processor.enumerate_parameters()
    with pytest.raises(DataError, match="NaN"):
        processor.label(prediction, setting)
    processor.set_prediction(make_array(prediction))
    identifier = LocalArrayIdentifier(UPath(tmp_path / "out.zarr"), f"output/{setting}")
    with pytest.raises(DataError, match="NaN"):
        processor.process(setting, identifier, block_size=Coordinate(8, 8, 8), chunk_size=Coordinate(8, 8, 8))
    with pytest.raises(DataError):
        ZarrArray.open_from_array_identifier(identifier)


def test_blocks_are_files_with_chunks_in_them(tmp_path, make_array):
    processor = ThresholdPostProcessor()
    processor.set_prediction(make_array(np.zeros((1, 32, 256, 512), np.float16)))
    identifier = LocalArrayIdentifier(UPath(tmp_path / "out.zarr"), "output")
    processor.process(*processor.enumerate_parameters(), identifier, block_size=Coordinate(64, 256, 256))
    stored = ZarrArray.open_from_array_identifier(identifier).source.array
    assert all(shard % chunk == 0 for shard, chunk in zip(stored.shards, stored.chunks, strict=True))
    assert stored.shards != stored.chunks


def test_the_dummy_fills_its_output(tmp_path):
    processor = DummyPostProcessor(0.5)
    found = list(processor.enumerate_parameters())
    assert [(setting.id, setting.min_size) for setting in found] == [(i, i + 1) for i in range(10)]
    assert processor.label(np.array([[[0.6, 0.0]], [[0.0, 0.4]]]), found[6]).tolist() == [[7, 0]]
    identifier = LocalArrayIdentifier(UPath(tmp_path / "a.zarr"), "b")
    processor.process(found[2], identifier)
    np.testing.assert_array_equal(ZarrArray.open_from_array_identifier(identifier).data, np.full((10, 10, 10), 3))
