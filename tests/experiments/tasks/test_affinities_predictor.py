import numpy as np
import pytest
import torch
from funlib.geometry import Coordinate, Roi
from hypothesis import given, settings
from hypothesis import strategies as st

from dalsegno.errors import ConfigError, DataError
from dalsegno.experiments.architectures.dummy_architecture import DummyArchitecture, DummyArchitectureConfig
from dalsegno.experiments.tasks.predictors.affinities_predictor import AffinitiesPredictor
from dalsegno.experiments.tasks.predictors.shape_descriptors import ShapeDescriptors
from dalsegno.ops.affinities import affinities, affinity_mask
from dalsegno.ops.balance import ClassCounts
from dalsegno.ops.descriptors import local_shape_descriptors

SIZE = (10, 4, 4)
NEIGHBORHOOD = tuple(map(Coordinate, [(0, 0, -1), (0, 1, 0), (-1, 0, 0), (2, 0, -3)]))
IN_PLANE = tuple(map(Coordinate, [(0, 0, 1), (0, 1, 0)]))
ROI = Roi((30, 20, 24), (40, 20, 24))
INNER = (slice(3, 7), slice(5, 10), slice(6, 12))
IDS = np.random.default_rng(0).integers(0, 3, (10, 15, 18)).repeat(2, axis=1).repeat(2, axis=2)[:, :15, :18]
KNOWN = np.random.default_rng(1).random(IDS.shape) > 0.1


@pytest.fixture(scope="module")
def target_of(make_array):
    def create(predictor, ids=IDS, known=KNOWN, roi=ROI, size=SIZE):
        context = predictor.gt_context(Coordinate(size), "nm")
        around = roi.grow(context, context)
        labels, mask = make_array(ids, size), make_array(known.astype(np.uint8), size)
        return predictor.create_target(
            make_array(labels.to_ndarray(around, fill_value=0), size, around.begin),
            make_array(mask.to_ndarray(around, fill_value=0), size, around.begin),
            roi,
        )

    return create


def test_targets_are_affinities_known_where_both_voxels_are(target_of):
    predictor = AffinitiesPredictor(NEIGHBORHOOD)
    assert predictor.channels == ("aff_0.0.-1", "aff_0.1.0", "aff_-1.0.0", "aff_2.0.-3")
    assert predictor.gt_context(Coordinate(SIZE), "nm") == Coordinate(20, 4, 12)
    target, mask = target_of(predictor)
    assert target.dtype == mask.dtype == np.float32
    np.testing.assert_array_equal(target, affinities(IDS, NEIGHBORHOOD)[:, *INNER])
    np.testing.assert_array_equal(mask, affinity_mask(KNOWN, NEIGHBORHOOD)[:, *INNER])


def test_the_background_may_be_an_object(target_of):
    predictor = AffinitiesPredictor(NEIGHBORHOOD, background_as_object=True)
    target, _ = target_of(predictor)
    np.testing.assert_array_equal(target, affinities(IDS + 1, NEIGHBORHOOD)[:, *INNER])


def test_beyond_the_labels_nothing_is_known(target_of):
    corner = Roi((0, 0, 0), (40, 20, 24))
    _, mask = target_of(AffinitiesPredictor(NEIGHBORHOOD), known=np.ones_like(KNOWN), roi=corner)
    assert not mask[0, :, :, 0].any()
    assert not mask[2, 0].any()
    assert mask[1].all()
    assert mask[:, 1:, :, 3:].all()


def test_descriptors_are_learned_beside_affinities(target_of):
    predictor = AffinitiesPredictor(NEIGHBORHOOD, ShapeDescriptors(num_voxels=1))
    assert predictor.channels[4:7] == ("lsd_offset_z", "lsd_offset_y", "lsd_offset_x")
    assert len(predictor.channels) == 14
    assert predictor.gt_context(Coordinate(SIZE), "nm") == Coordinate(30, 32, 32)
    target, mask = target_of(predictor)
    plain_target, plain_mask = target_of(AffinitiesPredictor(NEIGHBORHOOD))
    np.testing.assert_array_equal(target[:4], plain_target)
    np.testing.assert_array_equal(mask[:4], plain_mask)
    expected = local_shape_descriptors(np.where(KNOWN, IDS, 0), (10, 10, 10), SIZE)
    np.testing.assert_allclose(target[4:], expected[:, *INNER], atol=1e-5)
    np.testing.assert_array_equal(mask[4:], np.stack([KNOWN[INNER]] * 10))


@pytest.mark.parametrize("in_plane", [False, True])
@pytest.mark.parametrize("begin", [(0, 0, 0), (-30, 20, 12)])
def test_coarse_descriptors_tell_thin_objects_and_are_the_same_from_every_patch(make_array, in_plane, begin):
    ids = np.zeros((10, 16, 18), np.uint8)
    ids[:, :, 5], ids[:, 9, 8:], ids[:, 1:7, 10:16] = 1, 2, 3
    gt, mask = (make_array(array, SIZE, begin) for array in (ids, np.ones_like(ids)))
    descriptors = ShapeDescriptors(num_voxels=1, downsample=2, in_plane=in_plane)
    predictor = AffinitiesPredictor(IN_PLANE, descriptors)
    context = predictor.gt_context(gt.voxel_size, "nm")

    def target_of(roi):
        around = roi.grow(context, context)
        parts = (make_array(array.to_ndarray(around, fill_value=0), SIZE, around.begin) for array in (gt, mask))
        return predictor.create_target(*parts, roi)

    whole, known = target_of(gt.roi)
    np.testing.assert_array_equal(whole[-1] > 0, ids > 0)
    _, counts = predictor.create_weight(whole[None], known[None], None)
    assert counts.counts[-1][1] == np.count_nonzero(ids)
    for first in ((1, 3, 5), (2, 4, 6)):
        roi = Roi(gt.roi.begin + Coordinate(first) * gt.voxel_size, Coordinate(5, 7, 9) * gt.voxel_size)
        inner = tuple(slice(k, k + n) for k, n in zip(first, (5, 7, 9), strict=True))
        np.testing.assert_allclose(target_of(roi)[0], whole[:, *inner], atol=1e-5)


def test_sections_are_described_one_by_one_where_ids_change_between_them(target_of):
    predictor = AffinitiesPredictor(IN_PLANE, ShapeDescriptors(num_voxels=2, in_plane=True))
    assert predictor.channels[2:] == tuple(
        f"lsd_{name}" for name in ("offset_y", "offset_x", "variance_y", "variance_x", "correlation_yx", "size")
    )
    assert predictor.gt_context(Coordinate(SIZE), "nm") == Coordinate(0, 24, 24)
    target, _ = target_of(predictor)
    renamed, _ = target_of(predictor, np.where(IDS > 0, IDS + 10 * np.arange(10)[:, None, None], 0))
    np.testing.assert_allclose(renamed, target, atol=1e-6)
    section = local_shape_descriptors(np.where(KNOWN, IDS, 0)[4], (8, 8), (4, 4))
    np.testing.assert_allclose(target[2:, 1], section[:, 5:10, 6:12], atol=1e-5)


def test_the_background_is_described_if_it_is_an_object(target_of):
    predictor = AffinitiesPredictor(NEIGHBORHOOD, ShapeDescriptors(num_voxels=1), background_as_object=True)
    target, mask = target_of(predictor, np.where(IDS == 2, 2**64 - 1, IDS.astype(np.uint64)))
    expected = local_shape_descriptors(np.where(KNOWN, IDS + 1, 0), (10, 10, 10), SIZE)
    np.testing.assert_allclose(target[4:], expected[:, *INNER], atol=1e-5)
    assert (target[-1][mask[-1] > 0] > 0).all()


@given(st.integers(-3, 3), st.integers(-3, 3), st.integers(-3, 3))
@settings(max_examples=15)
def test_the_target_of_shifted_labels_is_the_shifted_target(target_of, z, y, x):
    ids, known = (np.roll(array, (z, y, x), (0, 1, 2)) for array in (IDS, KNOWN))
    predictor = AffinitiesPredictor(IN_PLANE)
    roi = Roi((30, 16, 16), (40, 20, 24))
    for shifted, first in zip(
        target_of(predictor, ids, known, roi + Coordinate(z, y, x) * Coordinate(SIZE)),
        target_of(predictor, roi=roi),
        strict=True,
    ):
        np.testing.assert_array_equal(shifted, first)


@given(st.permutations([5, 2**60, 2**60 + 1]))
@settings(max_examples=10)
def test_names_of_instances_do_not_matter(target_of, names):
    predictor = AffinitiesPredictor(NEIGHBORHOOD, ShapeDescriptors(num_voxels=1))
    renamed = np.array([0, *names], np.uint64)[IDS]
    for found, expected in zip(target_of(predictor, renamed), target_of(predictor), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_weights_balance_each_offset_and_the_objects(target_of):
    predictor = AffinitiesPredictor(NEIGHBORHOOD, ShapeDescriptors(num_voxels=1, clipmin=0.4), clipmin=0.3)
    pairs = [target_of(predictor), target_of(predictor, np.zeros_like(IDS))]
    target, mask = (np.stack(parts) for parts in zip(*pairs, strict=True))
    weight, counts = predictor.create_weight(target, mask, None)
    assert weight.shape == target.shape
    assert weight.dtype == np.float32
    assert len(counts.counts) == 5
    assert not weight[mask == 0].any()
    assert (weight[mask > 0] > 0).all()
    for channel in range(4):
        joined = (target[:, channel] > 0) & (mask[:, channel] > 0)
        share = max(joined.sum() / mask[:, channel].sum(), 0.3)
        np.testing.assert_allclose(weight[:, channel][joined], 0.5 / share, rtol=1e-5)
    in_object = (target[:, -1] > 0) & (mask[:, -1] > 0)
    assert counts.counts[4][1] == in_object.sum()
    np.testing.assert_allclose(weight[:, 4:][np.stack([in_object] * 10, 1)], 0.5 / 0.4, rtol=1e-5)
    _, later = predictor.create_weight(target, mask, ClassCounts.from_list(counts.to_list()))
    assert later.counts == tuple((2 * a, 2 * b) for a, b in counts.counts)


def test_ground_truth_without_voxels_at_the_offsets_is_refused(make_array):
    predictor = AffinitiesPredictor(NEIGHBORHOOD)
    with pytest.raises(DataError, match=r"2 axes \(y, x\).*3 numbers.*\(0, 1\)"):
        predictor.check_gt(make_array(np.zeros((8, 8), np.uint8), (4, 4)))
    with pytest.raises(DataError, match="MergeInstancesArray"):
        predictor.check_gt(make_array(np.zeros((2, 8, 8, 8), np.uint8)))
    with pytest.raises(DataError, match="float64"):
        predictor.check_gt(make_array(np.zeros((8, 8, 8))))


def test_the_network_has_one_axis_per_number_of_an_offset():
    architecture = DummyArchitecture(DummyArchitectureConfig(num_in_channels=1, num_out_channels=4))
    with pytest.raises(ConfigError, match=r"3 axes.*2 numbers"):
        AffinitiesPredictor((Coordinate(0, 1),)).create_model(architecture)
    model = AffinitiesPredictor(NEIGHBORHOOD, ShapeDescriptors()).create_model(architecture)
    x = torch.randn(1, 1, 10, 10, 10)
    assert model(x).shape == (1, 14, 8, 8, 8)
    torch.testing.assert_close(model.eval()(x), model.train()(x).sigmoid())
