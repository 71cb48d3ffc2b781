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


def in_cells(mask, step, begin):
    """Return the mean of each cell, with nothing in what lies beyond the array, and the cell of each voxel."""
    cells = [
        (np.arange(length) + first) // step - first // step for length, first in zip(mask.shape, begin, strict=True)
    ]
    places = np.meshgrid(*cells, indexing="ij")
    means = np.zeros([along[-1] + 1 for along in cells])
    np.add.at(means, tuple(places), mask / step**mask.ndim)
    return means, tuple(places)


def slow_descriptors(labels, sigma, voxel_size, step=1, begin=(0, 0, 0)):
    """Filter whole volumes, label by label, with coordinates counted from the corner."""
    ndim = labels.ndim
    in_voxels = [s / (v * step) for s, v in zip(sigma, voxel_size, strict=True)]
    result = np.zeros((len(descriptor_names("zyx"[-ndim:])), *labels.shape))
    for label in set(labels.flat) - {0}:
        mask, cell_of = in_cells(labels == label, step, begin[:ndim])
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
            row[labels == label] = values[cell_of][labels == label]
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


@given(volumes, st.integers(2, 4), st.tuples(*[st.integers(-5, 5)] * 3))
@settings(max_examples=40)
def test_objects_may_be_described_in_cells(labels, step, begin):
    sigma, size, first = (9,) * labels.ndim, (4,) * labels.ndim, begin[: labels.ndim]
    found = local_shape_descriptors(labels, sigma, size, downsample=step, begin=first)
    assert_alike(found, slow_descriptors(labels, sigma, size, step, first))
    assert ((found[-1] > 0) == (labels > 0)).all()


@given(st.integers(0, 100), st.integers(1, 4), st.integers(0, 6), st.integers(0, 6))
@settings(max_examples=20)
def test_descriptors_in_cells_do_not_depend_on_the_part_that_is_seen(seed, step, y, x):
    labels = (gaussian_filter(np.random.default_rng(seed).random((60, 64)), 2) * 60).astype(np.uint8) % 4
    reach, _ = descriptor_reach((8, 8), (4, 4), step)
    whole = local_shape_descriptors(labels, (8, 8), (4, 4), downsample=step, begin=(1, -3))
    part = labels[y : y + 2 * reach + 7, x : x + 2 * reach + 5]
    region = (slice(reach, reach + 7), slice(reach, reach + 5))
    found = local_shape_descriptors(part, (8, 8), (4, 4), region=region, downsample=step, begin=(1 + y, -3 + x))
    expected = whole[:, y + reach : y + reach + 7, x + reach : x + reach + 5]
    np.testing.assert_allclose(found, expected, atol=1e-4)


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
