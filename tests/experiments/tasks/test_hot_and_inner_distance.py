import numpy as np
import pytest
import torch
from funlib.geometry import Coordinate, Roi
from hypothesis import given, settings
from hypothesis import strategies as st

from dalsegno.errors import DataError
from dalsegno.experiments.architectures.dummy_architecture import DummyArchitecture, DummyArchitectureConfig
from dalsegno.experiments.tasks.predictors.distance_predictor import DistancePredictor
from dalsegno.experiments.tasks.predictors.hot_distance_predictor import HotDistancePredictor
from dalsegno.experiments.tasks.predictors.inner_distance_predictor import InnerDistancePredictor

SIZE = (10, 4, 4)
ROI = Roi((20, 16, 16), (60, 64, 64))
LABELS = np.random.default_rng(0).random((2, 10, 6, 6)).repeat(4, axis=2).repeat(4, axis=3) > 0.6
MASK = np.ones(LABELS.shape, np.uint8)
MASK[1, :, :, 12:] = 0
INNER = (slice(None), slice(2, 8), slice(4, 20), slice(4, 20))
NAMES = ("a", "b")


def target_of(predictor, make_array, labels=LABELS, mask=MASK):
    gt, known = make_array(labels.astype(np.uint64) * 300, SIZE), make_array(mask, SIZE)
    around = ROI.grow(*[predictor.gt_context(Coordinate(SIZE), "nm")] * 2)
    return predictor.create_target(
        *(make_array(array.to_ndarray(around, fill_value=0), SIZE, around.begin) for array in (gt, known)), ROI
    )


@pytest.mark.parametrize("mask_distances", [False, True])
@pytest.mark.parametrize("in_plane", [False, True])
def test_hot_distances_are_labels_and_distances(make_array, mask_distances, in_plane):
    distances = DistancePredictor(NAMES, 20, mask_distances=mask_distances, in_plane=in_plane)
    predictor = HotDistancePredictor(distances)
    assert predictor.channels == ("a__hot", "b__hot", "a__distance", "b__distance")
    target, mask = target_of(predictor, make_array)
    assert target.dtype == mask.dtype == np.float32
    np.testing.assert_array_equal(target[:2], (LABELS & (MASK > 0))[INNER])
    np.testing.assert_array_equal(mask[:2], MASK[INNER])
    for found, expected in zip((target[2:], mask[2:]), target_of(distances, make_array), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_inner_distances_are_0_outside_and_known_there_wherever_annotated(make_array):
    signed = DistancePredictor(NAMES, 20)
    target, mask = target_of(InnerDistancePredictor(NAMES, 20), make_array)
    distances, known = target_of(signed, make_array)
    inside = LABELS[INNER]
    np.testing.assert_array_equal(target[inside], distances[inside].clip(0))
    assert not target[~inside].any()
    np.testing.assert_array_equal(mask[inside], known[inside])
    np.testing.assert_array_equal(mask[~inside], MASK[INNER][~inside])
    assert (mask != known).any()
    assert target.dtype == mask.dtype == np.float32


@pytest.mark.parametrize(
    "predictor", [HotDistancePredictor(DistancePredictor(NAMES, 20)), InnerDistancePredictor(NAMES, 20)]
)
def test_each_channel_is_balanced_for_itself_within_its_mask(make_array, predictor):
    target, mask = (array[None] for array in target_of(predictor, make_array))
    weight, counts = predictor.create_weight(target, mask, None)
    assert len(counts.counts) == target.shape[1]
    assert not weight[mask == 0].any()
    for channel in range(target.shape[1]):
        found, inside = target[:, channel] > 0, mask[:, channel] > 0
        sums = [weight[:, channel][side & inside].sum() for side in (found, ~found)]
        np.testing.assert_allclose(sums[0], sums[1], rtol=1e-4)


@pytest.mark.parametrize(
    "predictor", [HotDistancePredictor(DistancePredictor(NAMES, 20)), InnerDistancePredictor(NAMES, 20)]
)
def test_labels_need_a_channel_for_each_structure(make_array, predictor):
    for labels in (LABELS[0], LABELS[[0, 1, 0]]):
        with pytest.raises(DataError, match="BinarizeArray"):
            predictor.check_gt(make_array(labels.astype(np.uint8), SIZE))
    with pytest.raises(DataError, match="ThresholdArray"):
        predictor.check_gt(make_array(LABELS * 0.5, SIZE))


@given(st.sampled_from([(0, 0, 0), (-2, 3, 1), (2, -4, 4), (1, 2, -3)]), st.booleans())
@settings(max_examples=10)
def test_the_target_of_shifted_labels_is_the_shifted_target(make_array, shift, in_plane):
    by = Coordinate(shift) * Coordinate(SIZE)
    shifted = [make_array(array, SIZE, by) for array in (LABELS.astype(np.uint8), MASK)]
    first = [make_array(array, SIZE) for array in (LABELS.astype(np.uint8), MASK)]
    distances = DistancePredictor(NAMES, 20, mask_distances=False, in_plane=in_plane)
    for predictor in (distances, HotDistancePredictor(distances), InnerDistancePredictor(NAMES, 20, False, in_plane)):
        for found, expected in zip(
            predictor.create_target(*shifted, ROI + by), predictor.create_target(*first, ROI), strict=True
        ):
            np.testing.assert_array_equal(found, expected)


def test_only_the_hot_half_becomes_probabilities():
    architecture = DummyArchitecture(DummyArchitectureConfig(num_in_channels=1, num_out_channels=4))
    model = HotDistancePredictor(DistancePredictor(NAMES), kernel_size=3).create_model(architecture)
    x = torch.randn(1, 1, 12, 12, 12)
    trained = model(x)
    predicted = model.eval()(x)
    assert trained.shape == (1, 4, 8, 8, 8)
    torch.testing.assert_close(predicted[:, :2], trained[:, :2].sigmoid())
    torch.testing.assert_close(predicted[:, 2:], trained[:, 2:])
