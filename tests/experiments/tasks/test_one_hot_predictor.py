import numpy as np
import pytest
import torch
from funlib.geometry import Coordinate, Roi

from dalsegno.errors import DataError
from dalsegno.experiments.architectures.cnnectome_unet import CNNectomeUNet, CNNectomeUNetConfig
from dalsegno.experiments.architectures.dummy_architecture import DummyArchitecture, DummyArchitectureConfig
from dalsegno.experiments.tasks.predictors.one_hot_predictor import OneHotPredictor

ROI = Roi((0, 0), (32, 32))
LABELS = np.random.default_rng(0).integers(0, 3, (8, 8)).astype(np.uint8)
EVERYWHERE = np.ones((8, 8), np.uint8)


@pytest.fixture
def predictor():
    return OneHotPredictor(("background", "cell", "wall"))


def test_targets_are_one_in_the_channel_of_the_class(predictor, make_array):
    target, mask = predictor.create_target(make_array(LABELS, (4, 4)), make_array(EVERYWHERE, (4, 4)), ROI)
    assert target.dtype == mask.dtype == np.float32
    np.testing.assert_array_equal(target.argmax(axis=0), LABELS)
    np.testing.assert_array_equal(target.sum(axis=0), 1)
    assert mask.shape == target.shape
    with_channel, _ = predictor.create_target(make_array(LABELS[None], (4, 4)), make_array(EVERYWHERE, (4, 4)), ROI)
    np.testing.assert_array_equal(with_channel, target)
    assert predictor.gt_context(Coordinate(4, 4), "nm") == Coordinate(0, 0)


def test_labels_that_are_no_class_are_refused_where_they_count(predictor, make_array):
    labels = LABELS.copy()
    labels[0, 0] = 7
    with pytest.raises(DataError, match=r"labels \[7\].*3 classes.*background, cell, wall"):
        predictor.create_target(make_array(labels, (4, 4)), make_array(EVERYWHERE, (4, 4)), ROI)
    mask = EVERYWHERE.copy()
    mask[0, 0] = 0
    target, _ = predictor.create_target(make_array(labels, (4, 4)), make_array(mask, (4, 4)), ROI)
    assert not target[:, 0, 0].any()


def test_one_channel_for_each_class_holds_each_voxel_once_where_it_counts(predictor, make_array):
    channels = np.stack([position == LABELS for position in range(3)]).astype(np.uint8)
    target, _ = predictor.create_target(make_array(channels, (4, 4)), make_array(EVERYWHERE, (4, 4)), ROI)
    np.testing.assert_array_equal(target, channels)
    for number, message in (
        (1, r"1 voxels .* several classes \(background, cell, wall\)"),
        (0, "1 voxels .* no class"),
    ):
        wrong, mask = channels.copy(), EVERYWHERE.copy()
        wrong[:, 2, 3], mask[2, 3] = number, 0
        for check in (predictor.create_target, predictor.check_labels):
            with pytest.raises(DataError, match=message):
                check(make_array(wrong, (4, 4)), make_array(EVERYWHERE, (4, 4)), ROI)
            check(make_array(wrong, (4, 4)), make_array(mask, (4, 4)), ROI)
        target, known = predictor.create_target(make_array(wrong, (4, 4)), make_array(mask, (4, 4)), ROI)
        np.testing.assert_array_equal(target * known, channels * mask)


def test_channels_and_floats_are_no_class_labels(predictor, make_array):
    with pytest.raises(DataError, match="2 channels"):
        predictor.create_target(make_array(np.stack([LABELS] * 2), (4, 4)), make_array(EVERYWHERE, (4, 4)), ROI)
    with pytest.raises(DataError, match="float64"):
        predictor.create_target(make_array(LABELS * 0.5, (4, 4)), make_array(EVERYWHERE, (4, 4)), ROI)


def test_weights_balance_the_classes_and_respect_the_mask(predictor, make_array):
    labels, mask = np.zeros((8, 8), np.uint8), EVERYWHERE.copy()
    labels[:2], labels[2:4], mask[6:] = 1, 2, 0
    target, known = predictor.create_target(make_array(labels, (4, 4)), make_array(mask, (4, 4)), ROI)
    weight, counts = predictor.create_weight(target[None], known[None], None)
    assert counts.counts == ((16, 16, 16),)
    assert weight.shape == (1, 3, 8, 8)
    np.testing.assert_allclose(weight[0, :, :6], 1)
    assert not weight[0, :, 6:].any()


def test_probabilities_add_up_in_evaluation_only(predictor):
    architecture = DummyArchitecture(DummyArchitectureConfig(num_in_channels=1, num_out_channels=4))
    model = predictor.create_model(architecture)
    x = torch.randn(1, 1, 12, 12, 12)
    assert model(x).shape == (1, 3, 8, 8, 8)
    assert not torch.allclose(model(x).sum(dim=1), torch.tensor(1.0))
    torch.testing.assert_close(model.eval()(x).sum(dim=1), torch.ones(1, 8, 8, 8))


@pytest.mark.parametrize(
    ("padding", "kernel", "shape", "expected"),
    [("same", (3, 3, 3), (8, 16, 16), (8, 16, 16)), ("valid", (1, 3, 3), (1, 32, 32), (1, 22, 22))],
)
def test_the_head_keeps_what_the_network_keeps(predictor, padding, kernel, shape, expected):
    config = CNNectomeUNetConfig(
        input_shape=shape,
        fmaps_in=1,
        fmaps_out=2,
        num_fmaps=2,
        fmap_inc_factor=2,
        downsample_factors=[(1, 2, 2)],
        kernel_size_down=[[kernel], [kernel]],
        kernel_size_up=[[kernel]],
        padding=padding,
    )
    assert predictor.create_model(CNNectomeUNet(config)).output_shape == Coordinate(expected)
