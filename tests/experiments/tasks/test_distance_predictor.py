import numpy as np
import pytest
import torch
from funlib.geometry import Coordinate, Roi
from hypothesis import given, settings
from hypothesis import strategies as st

from dalsegno.errors import DataError
from dalsegno.experiments.architectures.dummy_architecture import DummyArchitecture, DummyArchitectureConfig
from dalsegno.experiments.tasks.predictors.distance_predictor import DistancePredictor
from dalsegno.ops.distances import tanh_distances

SIZE = (50, 4, 4)
BLOBS = np.random.default_rng(1).random((12, 80, 80)) > 0.999
BLOBS = np.stack([np.roll(BLOBS, (0, a, b), (0, 1, 2)) for a in range(-9, 10) for b in range(-9, 10)]).any(axis=0)


def target_of(predictor, make_array, labels, roi, size=SIZE, mask=None):
    mask = np.ones(labels.shape[-len(size) :], np.uint8) if mask is None else mask
    return predictor.create_target(make_array(labels, size), make_array(mask, size), roi)


def test_context_reaches_as_far_as_targets_do_not_saturate():
    predictor = DistancePredictor(("a",), scale_factor="60 nm")
    # tanh(66 / 60) = 0.8
    assert predictor.gt_context(Coordinate(SIZE), "nm") == Coordinate(100, 68, 68)
    assert predictor.gt_context(Coordinate(50_000, 4_600, 4_600), "pm") == Coordinate(100_000, 69_000, 69_000)
    assert DistancePredictor(("a",), mask_distances=False).gt_context(Coordinate(SIZE), "nm") == Coordinate(0, 0, 0)


@given(st.integers(0, 2), st.integers(0, 3), st.integers(0, 3))
@settings(max_examples=10)
def test_a_patch_inside_the_labels_has_the_targets_of_the_whole_volume(make_array, z, y, x):
    predictor = DistancePredictor(("a",), scale_factor=20)
    roi = Roi((250 + 50 * z, 120 + 4 * y, 120 + 4 * x), (50, 48, 48))
    target, mask = target_of(predictor, make_array, BLOBS, roi)
    assert target.shape == mask.shape == (1, 1, 12, 12)
    assert target.dtype == mask.dtype == np.float32
    whole = tanh_distances(BLOBS, SIZE, 20)[5 + z, 30 + y : 42 + y, 30 + x : 42 + x]
    saturated = np.abs(whole) > 0.79
    np.testing.assert_allclose(target[0, 0][~saturated], whole[~saturated], atol=1e-5)
    assert (np.sign(target[0, 0]) == np.sign(whole)).all()
    assert mask.all()


def test_a_single_section_is_masked_at_its_edges_only(make_array):
    predictor = DistancePredictor(("a",), scale_factor=100)
    section = np.zeros((1, 200, 200), bool)
    section[:, 60:140, 60:140] = True
    context = predictor.gt_context(Coordinate(SIZE), "nm")
    roi = Roi((0, 0, 0), (50, 800, 800))
    around = roi.grow(context, context)
    padding = [(beyond // size,) * 2 for beyond, size in zip(context, SIZE, strict=True)]
    gt = make_array(np.pad(section, padding), SIZE, around.begin)
    annotated = make_array(np.pad(np.ones_like(section, np.uint8), padding), SIZE, around.begin)
    target, mask = predictor.create_target(gt, annotated, roi)
    assert mask[0, 0, 50:150, 50:150].all()
    assert not mask[0, 0, 0].any()
    np.testing.assert_allclose(target[0, 0], tanh_distances(section[0], SIZE[1:], 100), atol=1e-6)


def test_distances_in_plane_do_not_know_the_next_section(make_array):
    predictor = DistancePredictor(("a",), scale_factor=20, in_plane=True)
    assert predictor.gt_context(Coordinate(SIZE), "nm") == Coordinate(0, 24, 24)
    assert predictor.gt_context(Coordinate(4, 4), "nm") == Coordinate(24, 24)
    roi = Roi((0, 120, 120), (600, 48, 48))
    target, mask = target_of(predictor, make_array, BLOBS, roi)
    sections = np.stack([tanh_distances(section, SIZE[1:], 20) for section in BLOBS])[:, 30:42, 30:42]
    kept = np.abs(sections) < 0.79
    np.testing.assert_allclose(target[0][kept], sections[kept], atol=1e-5)
    assert mask.all()


def test_unannotated_voxels_neither_count_nor_make_boundaries(make_array):
    predictor = DistancePredictor(("a",), scale_factor=10, mask_distances=False)
    labels = np.ones((20, 20, 20), np.uint8)
    labels[:, :, 8:] = 0
    annotated = np.zeros_like(labels)
    annotated[:, :, :8] = 1
    target, mask = target_of(predictor, make_array, labels, Roi((0, 0, 0), (160, 160, 160)), (8, 8, 8), annotated)
    np.testing.assert_array_equal(mask[0], annotated)
    assert (target[0, :, :, :8] > 0.99).all()
    nothing = np.zeros_like(labels)
    target, mask = target_of(predictor, make_array, labels, Roi((0, 0, 0), (160, 160, 160)), (8, 8, 8), nothing)
    assert not target.any()
    assert not mask.any()


def test_instance_labels_are_foreground(make_array):
    predictor = DistancePredictor(("a",), scale_factor=10, mask_distances=False)
    labels = np.zeros((8, 8), np.uint64)
    labels[2:4, 2:4], labels[5:7, 5:7] = 256, 2**60
    roi = Roi((0, 0), (32, 32))
    target, _ = target_of(predictor, make_array, labels, roi, (4, 4))
    np.testing.assert_array_equal(target[0] > 0, labels > 0)
    with_channel, _ = target_of(predictor, make_array, labels[None], roi, (4, 4))
    np.testing.assert_array_equal(with_channel, target)


def test_channels_are_learned_apart(make_array):
    predictor = DistancePredictor(("a", "b"), scale_factor=10, mask_distances=False)
    labels = np.stack([np.arange(8) > 2, np.arange(8) > 5]).repeat(8).reshape(2, 8, 8)
    target, mask = target_of(predictor, make_array, labels, Roi((0, 0), (32, 32)), (4, 4))
    assert target.shape == mask.shape == (2, 8, 8)
    np.testing.assert_array_equal(target > 0, labels)


def test_labels_must_have_the_channels_of_the_task(make_array):
    predictor = DistancePredictor(("a", "b"), mask_distances=False)
    with pytest.raises(DataError, match="BinarizeArray"):
        target_of(predictor, make_array, np.zeros((8, 8), np.uint8), Roi((0, 0), (32, 32)), (4, 4))


def test_each_sample_of_a_batch_has_its_own_weights(make_array):
    predictor = DistancePredictor(("a",), mask_distances=False)
    roi = Roi((0, 0, 0), (64, 64, 64))
    labels = np.zeros((8, 8, 8), np.uint8)
    labels[:2] = 1
    batch = [target_of(predictor, make_array, gt, roi, (8, 8, 8)) for gt in (labels, np.zeros_like(labels))]
    target, mask = (np.stack(parts) for parts in zip(*batch, strict=True))
    weight, counts = predictor.create_weight(target, mask, None)
    assert weight.shape == target.shape == (2, 1, 8, 8, 8)
    assert counts.counts == ((896, 128),)
    np.testing.assert_allclose(weight[0, 0, :2], 0.5 / 0.125)
    np.testing.assert_allclose(weight[1], 0.5 / 0.875)
    _, counts = predictor.create_weight(target, mask, counts)
    assert counts.counts == ((1792, 256),)


def test_the_model_gives_one_number_per_channel():
    architecture = DummyArchitecture(DummyArchitectureConfig(num_in_channels=1, num_out_channels=4))
    model = DistancePredictor(("a", "b")).create_model(architecture)
    assert model(torch.zeros(1, 1, 10, 10, 10)).shape == (1, 2, 8, 8, 8)


def test_a_scale_of_less_than_a_voxel_is_doubted(make_array):
    thin = make_array(np.zeros((2, 2, 2), np.uint8), (4, 50, 50))
    for scale, in_plane, doubted in ((1, False, True), (4, False, False), (4, True, True), ("40 nm", True, False)):
        assert bool(list(DistancePredictor(("a",), scale, in_plane=in_plane).doubts(thin))) == doubted


def test_the_ground_truth_that_a_region_needs_is_the_region_with_its_context():
    predictor = DistancePredictor(channels=("a",), scale_factor=40.0)
    roi, size = Roi((80, 16, 16), (160, 32, 32)), Coordinate(40, 4, 4)
    context = predictor.gt_context(size, "nm")
    assert predictor.gt_region_for_roi(roi, size, "nm") == roi.grow(context, context)
    assert min(context) >= 40
