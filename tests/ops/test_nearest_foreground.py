import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import distance_transform_edt

from dalsegno.ops.nearest_foreground import NearestForeground, surface

RANDOM = np.random.default_rng(0)
SHAPES = [(9, 20, 18), (1, 40, 40), (60, 50), (300,), (2, 1, 500)]


@given(
    st.sampled_from(SHAPES),
    st.sampled_from([(8, 8, 8), (50, 4, 6), (1.5, 0.7, 2.2)]),
    st.sampled_from([0.5, 0.02, 0.0005]),
    st.sampled_from([1, 10, 10_000]),
    st.integers(0, 2**32 - 1),
)
@settings(max_examples=80)
def test_distances_are_those_of_the_transform(shape, voxel_size, foreground_share, num_points, seed):
    random, size = np.random.default_rng(seed), voxel_size[: len(shape)]
    foreground = random.random(shape) < foreground_share
    foreground.flat[random.integers(foreground.size)] = True
    points = random.permutation(np.flatnonzero(~foreground))[:num_points]
    slow = distance_transform_edt(~foreground, sampling=size).ravel()[points]
    whole = all(float(edge).is_integer() for edge in size)
    np.testing.assert_allclose(
        NearestForeground(foreground, size).distances(points), slow, rtol=1e-9 if whole else 1e-5
    )


def test_one_foreground_answers_again_and_again_few_points_and_many():
    foreground = np.zeros((30, 30, 30), bool)
    foreground[2:5, 3:9, 20:] = True
    slow = distance_transform_edt(~foreground, sampling=(30, 4, 4)).ravel()
    nearest, points = NearestForeground(foreground, (30, 4, 4)), np.flatnonzero(~foreground)
    for asked in (points[-3:], points[:5], points, points[::900]):
        np.testing.assert_allclose(nearest.distances(asked), slow[asked], rtol=1e-12)


def test_nothing_is_infinitely_far_and_nobody_asks_for_nothing():
    empty = NearestForeground(np.zeros((4, 5), bool), (8, 8))
    assert np.isinf(empty.distances(np.arange(20))).all()
    assert empty.distances(np.empty(0, np.int64)).shape == (0,)
    one = NearestForeground(np.ones((1, 1, 1), bool), (8, 8, 8))
    assert one.distances(np.empty(0, np.int64)).shape == (0,)


@given(arrays(bool, (4, 5, 3)))
def test_the_surface_has_a_neighbour_that_is_none(foreground):
    padded = np.pad(foreground, 1)
    slow = [
        (z, y, x)
        for z, y, x in np.argwhere(foreground)
        if not all(
            padded[z + 1 + dz, y + 1 + dy, x + 1 + dx]
            for dz, dy, dx in [(1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1)]
        )
    ]
    np.testing.assert_array_equal(surface(foreground), np.array(slow).reshape(-1, 3))


@pytest.mark.parametrize("shape", SHAPES)
def test_a_single_voxel_is_found_from_everywhere(shape):
    foreground = np.zeros(shape, bool)
    foreground.flat[foreground.size // 3] = True
    slow = distance_transform_edt(~foreground, sampling=(7,) * len(shape)).ravel()
    for point in RANDOM.permutation(np.flatnonzero(~foreground))[:5]:
        fast = NearestForeground(foreground, (7,) * len(shape)).distances(np.array([point]))
        assert fast == pytest.approx(slow[[point]], rel=1e-12)
