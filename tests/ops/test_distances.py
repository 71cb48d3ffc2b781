import itertools

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy.ndimage import distance_transform_edt

from dalsegno.ops.distances import distance_mask, distances_to, signed_distances, tanh_distances

shapes = array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=7)
volumes = shapes.flatmap(lambda shape: arrays(bool, shape))
anisotropic = st.tuples(*[st.sampled_from([1.0, 2.0, 4.6, 50.0])] * 3)


def face_centres(labels, sampling):
    centres = []
    for voxel in itertools.product(*map(range, labels.shape)):
        for axis in range(labels.ndim):
            other = tuple(v + (a == axis) for a, v in enumerate(voxel))
            if other[axis] < labels.shape[axis] and labels[voxel] != labels[other]:
                centres.append([(v + 0.5 * (a == axis)) * sampling[a] for a, v in enumerate(voxel)])
    return np.array(centres)


def slow_signed_distances(labels, sampling):
    centres = face_centres(labels, sampling)
    distances = np.empty(labels.shape)
    for voxel in itertools.product(*map(range, labels.shape)):
        nearest = np.linalg.norm(centres - np.multiply(voxel, sampling), axis=1).min()
        distances[voxel] = nearest if labels[voxel] else -nearest
    return distances


@given(volumes, anisotropic)
@settings(max_examples=60)
def test_signed_distances_are_those_to_the_nearest_boundary_face(labels, sampling):
    assume(labels.any() and not labels.all())
    sampling = sampling[: labels.ndim]
    distances = signed_distances(labels, sampling)
    assert distances.dtype == np.float32
    np.testing.assert_allclose(distances, slow_signed_distances(labels, sampling), rtol=1e-5)


@given(volumes, anisotropic, st.sampled_from([0.5, 3.0, 20.0, 180.0]))
@settings(max_examples=60)
def test_distances_are_exact_up_to_a_limit(labels, sampling, limit):
    sampling = sampling[: labels.ndim]
    exact, limited = (signed_distances(labels, sampling, *limits) for limits in ((), (limit,)))
    near = np.abs(exact) < limit
    np.testing.assert_allclose(limited[near], exact[near], rtol=1e-6)
    assert (np.abs(limited[~near]) >= limit).all()
    np.testing.assert_array_equal(limited > 0, labels)


def test_long_lines_have_the_distances_of_their_nearest_faces():
    labels = np.zeros((3, 300, 150), bool)
    labels[:, 100:140, 20:90] = True
    y, x = np.mgrid[:300, :150].astype(float)
    from_y = np.maximum(np.maximum(99.5 - y, y - 139.5), 0) * 2
    from_x = np.maximum(np.maximum(19.5 - x, x - 89.5), 0) * 3
    beside = (from_y == 0) | (from_x == 0)
    distances = signed_distances(labels, (50, 2, 3))
    outside = beside & ~labels[1]
    np.testing.assert_allclose(-distances[1][outside], (from_y + from_x)[outside], rtol=1e-6)
    np.testing.assert_array_equal(distances[0], distances[2])


@pytest.mark.parametrize("value", [True, False])
def test_without_a_boundary_distances_are_half_the_shortest_extent(value):
    distances = signed_distances(np.full((4, 10, 10), value), (50, 10, 10))
    assert set(distances.ravel()) == {50.0 if value else -50.0}
    distances = signed_distances(np.full((1, 10, 10), value), (50, 10, 10))
    assert set(distances.ravel()) == {50.0 if value else -50.0}


def test_a_section_has_the_distances_of_its_image():
    labels = np.random.default_rng(0).random((12, 12)) > 0.5
    np.testing.assert_array_equal(signed_distances(labels[None], (50, 4, 6))[0], signed_distances(labels, (4, 6)))


def test_a_single_voxel_has_a_distance():
    assert signed_distances(np.ones((1, 1, 1), bool), (50, 4, 6)) == 2


def test_tanh_distances_saturate_at_the_scale():
    labels = np.arange(20) >= 10
    squashed = tanh_distances(np.stack([labels] * 3), (1, 8), 16)
    np.testing.assert_allclose(squashed[0], np.tanh((np.arange(20) - 9.5) / 2), rtol=1e-5)


@given(volumes, anisotropic)
@settings(max_examples=40)
def test_distances_to_agree_with_scipy(foreground, sampling):
    sampling = sampling[: foreground.ndim]
    distances = distances_to(foreground, sampling)
    if not foreground.any():
        assert np.isinf(distances).all()
    else:
        np.testing.assert_allclose(distances, distance_transform_edt(~foreground, sampling=sampling), rtol=1e-5)


@given(st.data(), anisotropic)
@settings(max_examples=100)
def test_what_the_mask_keeps_is_true_whatever_lies_beyond_it(data, sampling):
    shape = data.draw(array_shapes(min_dims=2, max_dims=3, min_side=4, max_side=8))
    world = data.draw(arrays(bool, shape))
    annotated = np.zeros(shape, bool)
    annotated[tuple(slice(2, None) for _ in shape)] = data.draw(arrays(bool, [n - 2 for n in shape]))
    assume((world != world.flat[0]).any())
    sampling = sampling[: len(shape)]
    scale = data.draw(st.sampled_from([2.0, 10.0, 60.0]))
    seen = tanh_distances(world & annotated, sampling, scale)
    true = tanh_distances(world, sampling, scale)
    kept = distance_mask(seen, annotated, sampling, scale)
    assert not kept[~annotated].any()
    saturated = (np.abs(true) > 0.79) & (np.abs(seen) > 0.79) & (np.sign(true) == np.sign(seen))
    assert (np.isclose(seen, true, atol=1e-4) | saturated)[kept].all()


def test_the_edge_of_an_array_ends_the_mask_but_not_across_a_single_section():
    labels = np.zeros((41, 41), bool)
    labels[10:30, 10:30] = True
    target = tanh_distances(labels, (4, 4), 20)
    everywhere = np.ones_like(labels)
    kept = distance_mask(target, everywhere, (4, 4), 20)
    assert kept[15:25, 15:25].all()
    assert not kept[0].any()
    assert not kept[:, -1].any()
    section = distance_mask(target[None], everywhere[None], (50, 4, 4), 20)
    np.testing.assert_array_equal(section[0], kept)


@given(array_shapes(min_dims=2, max_dims=3, min_side=2, max_side=7), anisotropic)
@settings(max_examples=20)
def test_a_full_mask_ends_where_a_padded_one_does(shape, sampling):
    sampling = sampling[: len(shape)]
    target = np.zeros(shape, np.float32)
    inner = (slice(1, -1),) * len(shape)
    padded = np.pad(np.ones(shape, bool), 1)
    expected = distance_mask(np.pad(target, 1), padded, sampling, 30)[inner]
    np.testing.assert_array_equal(distance_mask(target, np.ones(shape, bool), sampling, 30), expected)


def test_channels_share_the_mask():
    targets = np.stack([np.zeros((6, 6), np.float32), np.ones((6, 6), np.float32)])
    kept = distance_mask(targets, np.ones((6, 6), bool), (4, 4), 30)
    assert kept.shape == targets.shape
    assert kept[0].sum() > kept[1].sum()
