from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy.ndimage import gaussian_filter

from dalsegno.ops.descriptors import descriptor_names, descriptor_reach, local_shape_descriptors

shapes = array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=9)
volumes = shapes.flatmap(lambda shape: arrays(np.uint64, shape, elements=st.sampled_from([0, 1, 1, 7])))
sizes = st.tuples(*[st.sampled_from([1.0, 4.0, 10.0])] * 3)
widths = st.sampled_from([2.5, 8.0, 30.0])


def slow_descriptors(labels, sigma, voxel_size, step=1):
    """Filter whole volumes, label by label, with coordinates counted from the corner."""
    ndim = labels.ndim
    thin = (slice(None, None, step),) * ndim
    in_voxels = [s / (v * step) for s, v in zip(sigma, voxel_size, strict=True)]
    result = np.zeros((len(descriptor_names("zyx"[-ndim:])), *labels.shape))
    for label in set(labels.flat) - {0}:
        mask = (labels == label)[thin].astype(float)
        grid = np.indices(mask.shape) * (np.array(voxel_size) * step).reshape(-1, *(1,) * ndim)

        def mean(values, mask=mask):
            return gaussian_filter(values * mask, in_voxels, mode="constant", truncate=3.0)

        size = mean(np.ones_like(mask))
        count = np.where(size > 0, size, 1)
        centre = [mean(position) / count for position in grid]
        spread = {
            (a, b): mean(grid[a] * grid[b]) / count - centre[a] * centre[b] for a in range(ndim) for b in range(ndim)
        }
        variance = [np.maximum(spread[a, a], 1e-3) for a in range(ndim)]
        rows = [(c - g) / s / 2 + 0.5 for c, g, s in zip(centre, grid, sigma, strict=True)]
        rows += [v / s**2 for v, s in zip(variance, sigma, strict=True)]
        rows += [spread[a, b] / np.sqrt(variance[a] * variance[b]) / 2 + 0.5 for a, b in combinations(range(ndim), 2)]
        for row, values in zip(result, [*rows, size], strict=True):
            for axis, length in enumerate(labels.shape):
                values = values.take(np.arange(length) // step, axis)
            row[labels == label] = values[labels == label]
    return result.clip(0, 1)


def assert_alike(found, expected):
    ndim = found.ndim - 1
    assert found.dtype == np.float32
    others = [i for i in range(len(found)) if not 2 * ndim <= i < len(found) - 1]
    np.testing.assert_allclose(found[others], expected[others], atol=1e-4)
    # correlations with an axis along which there is next to no extent are noise
    wide = (expected[ndim : 2 * ndim] > 0.01).all(axis=0)
    np.testing.assert_allclose(found[:, wide], expected[:, wide], atol=1e-3)


@given(volumes, widths, sizes)
@settings(max_examples=60)
def test_descriptors_are_those_of_whole_filtered_volumes(labels, width, voxel_size):
    size, sigma = voxel_size[: labels.ndim], (width,) * labels.ndim
    assert_alike(local_shape_descriptors(labels, sigma, size), slow_descriptors(labels, sigma, size))


def test_descriptors_of_larger_objects_are_those_of_whole_filtered_volumes():
    seeds = np.random.default_rng(0).random((14, 20, 24))
    labels = (gaussian_filter(seeds, 2) * 60).astype(np.uint32) % 4
    sigma, size = (20, 16, 12), (10, 4, 4)
    found = local_shape_descriptors(labels, sigma, size)
    assert_alike(found, slow_descriptors(labels, sigma, size))
    region = (slice(3, 9), slice(0, 11), slice(17, 24))
    np.testing.assert_allclose(
        local_shape_descriptors(labels, sigma, size, region=region), found[:, *region], atol=1e-5
    )


@pytest.mark.parametrize("step", [2, 3])
def test_objects_may_be_seen_more_coarsely(step):
    labels = np.zeros((13, 16), np.uint8)
    labels[1:9, 2:15], labels[10:, 4:9], labels[9, 9] = 1, 2, 3
    found = local_shape_descriptors(labels, (9, 9), (4, 4), downsample=step)
    seen = labels != 3
    expected = slow_descriptors(labels, (9, 9), (4, 4), step)
    assert_alike(found * seen, expected * seen)


@given(volumes, st.integers(0, 4), st.permutations([3, 2**60, 2**60 + 1]))
@settings(max_examples=30)
def test_neither_place_nor_name_of_an_object_matters(labels, shift, names):
    sigma, size = (6,) * labels.ndim, (4,) * labels.ndim
    found = local_shape_descriptors(labels, sigma, size)
    renamed = np.zeros_like(labels)
    for label, name in zip((1, 7), names, strict=False):
        renamed[labels == label] = name
    padding = [(shift, 5 - shift)] * labels.ndim
    shifted = local_shape_descriptors(np.pad(renamed, padding), sigma, size)
    inner = tuple(slice(before, -after) for before, after in padding)
    np.testing.assert_allclose(shifted[:, *inner], found, atol=1e-5)
    assert not found[:, labels == 0].any()
    assert (found >= 0).all()
    assert (found <= 1).all()


@pytest.mark.parametrize("step", [1, 2])
def test_nothing_is_seen_beyond_the_reach(step):
    labels = np.ones((40, 40), np.int16)
    (reach, _) = descriptor_reach((8, 8), (4, 4), step)
    cut = labels[:, 20 - step * (reach // step) :]
    whole = local_shape_descriptors(labels, (8, 8), (4, 4), downsample=step)
    part = local_shape_descriptors(cut, (8, 8), (4, 4), downsample=step)
    np.testing.assert_allclose(part[:, :, -20:], whole[:, :, -20:], atol=1e-6)


def test_descriptors_are_named():
    assert descriptor_names("yx") == ("offset_y", "offset_x", "variance_y", "variance_x", "correlation_yx", "size")
    assert descriptor_names("zyx")[6:] == ("correlation_zy", "correlation_zx", "correlation_yx", "size")


def test_there_may_be_nothing_to_describe():
    for labels in (np.zeros((4, 5), np.uint64), np.full((4, 5), -1, np.int64)):
        assert not local_shape_descriptors(labels, (4, 4), (1, 1)).any()
