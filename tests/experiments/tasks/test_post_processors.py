import numpy as np
import pytest
from funlib.geometry import Coordinate, Roi
from hypothesis import given
from hypothesis.extra.numpy import arrays
from upath import UPath

from dalsegno.arrays.zarr_array import ZarrArray
from dalsegno.components import find_class
from dalsegno.errors import DataError
from dalsegno.experiments.tasks.post_processors.argmax_post_processor import ArgmaxPostProcessor
from dalsegno.experiments.tasks.post_processors.threshold_post_processor import ThresholdPostProcessor
from dalsegno.experiments.tasks.post_processors.threshold_post_processor_parameters import (
    ThresholdPostProcessorParameters,
)
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


@pytest.mark.parametrize("processor", [ThresholdPostProcessor((0.3,)), ArgmaxPostProcessor()])
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
