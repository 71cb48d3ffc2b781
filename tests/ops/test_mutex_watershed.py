from itertools import product

import mwatershed
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dalsegno.ops import signed_graph
from dalsegno.ops.mutex_watershed import mutex_watershed

OFFSETS = [(1, 0, 0), (0, 1, 0), (0, 0, 1), (2, 0, 0), (0, 2, -1), (0, -3, 0)]


def one_by_one(affinities, offsets, bias):
    """Take the edges in order, with a set of exclusions for each segment."""
    weights = affinities.astype(np.float32) - np.float32(bias)
    shape = weights.shape[1:]
    segments = {voxel: {voxel} for voxel in product(*map(range, shape))}
    excluded = {voxel: set() for voxel in segments}
    attracted = set()
    for index in np.argsort(-np.abs(weights).ravel(), kind="stable"):
        channel, *here = np.unravel_index(index, weights.shape)
        here, there = tuple(map(int, here)), tuple(int(x + k) for x, k in zip(here, offsets[channel], strict=True))
        if there not in segments or weights.flat[index] == 0:
            continue
        mine, other = segments[here], segments[there]
        if weights.flat[index] > 0:
            attracted |= {here, there}
        if mine is other:
            continue
        banned = any(excluded[voxel] & other for voxel in mine)
        if weights.flat[index] < 0:
            excluded[here].add(there)
            excluded[there].add(here)
        elif not banned:
            mine |= other
            for voxel in other:
                segments[voxel] = mine
    numbers = {}
    labels = np.zeros(shape, int)
    for voxel, segment in segments.items():
        if voxel in attracted:
            labels[voxel] = numbers.setdefault(id(segment), len(numbers) + 1)
    return labels


@settings(max_examples=80)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([(4, 5, 6), (1, 5, 6), (2, 3, 1), (7, 2, 4)]),
    st.floats(0.05, 0.95),
    st.sampled_from([0, 40, 20_000]),
    st.sampled_from([0, 1]),
)
def test_it_is_what_comes_of_taking_edges_one_by_one(seed, shape, bias, few, decimals):
    """Also with many ties, and whether rounds go on to the end or the last edges are taken one by one."""
    affinities = np.random.default_rng(seed).random((6, *shape), np.float32)
    if decimals:
        affinities = affinities.round(decimals)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(signed_graph, "_FEW", few)
        found = mutex_watershed(affinities, OFFSETS, bias)
    np.testing.assert_array_equal(found, one_by_one(affinities, OFFSETS, bias))


def without_single_voxels(segments):
    """Some voxels that could join none are segments in one implementation and background in the other."""
    _, inverse, sizes = np.unique(segments, return_inverse=True, return_counts=True)
    return np.where(sizes[inverse].reshape(segments.shape) > 1, segments, 0)


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1), st.floats(0.1, 0.9))
def test_it_is_what_mwatershed_finds(seed, bias):
    numbers = np.random.default_rng(seed).permutation(6 * 12 * 13 * 14)
    affinities = (numbers / len(numbers)).astype(np.float32).reshape(6, 12, 13, 14)
    weights = (affinities - np.float32(bias)).astype(float)
    assume(len(np.unique(np.abs(weights))) == weights.size)
    expected = without_single_voxels(mwatershed.agglom(weights, OFFSETS))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(signed_graph, "_FEW", 100)
        found = without_single_voxels(mutex_watershed(affinities, OFFSETS, bias))
    pairs = np.unique(np.stack([found.ravel(), expected.ravel()]).astype(int), axis=1)
    assert pairs.shape[1] == len(np.unique(found)) == len(np.unique(expected))


@given(st.integers(0, 100))
def test_it_is_the_same_for_shorter_floats_and_offsets_the_other_way(seed):
    """With affinities of which no two are as far from the bias, so that the order of edges is the same."""
    affinities = (np.random.default_rng(seed).permutation(84) / 128).astype(np.float16).reshape(2, 6, 7)
    found = mutex_watershed(affinities, [(1, 0), (0, 1)], 0.4)
    np.testing.assert_array_equal(found, mutex_watershed(affinities.astype(np.float64), [(1, 0), (0, 1)], 0.4))
    moved = np.stack([np.roll(affinities[0], 1, 0), np.roll(affinities[1], 1, 1)])
    backward = mutex_watershed(moved, [(-1, 0), (0, -1)], 0.4)
    np.testing.assert_array_equal(found, backward)


def test_segments_are_numbered_from_the_first_voxel_on():
    assert mutex_watershed(np.array([[0.9, 0.1, 0.1, 0.9, 0.9, 0.9]]), [(1,)], 0.5).tolist() == [1, 1, 0, 2, 2, 2]
    assert not mutex_watershed(np.zeros((1, 4)), [(1,)], 0.5).any()
    assert mutex_watershed(np.ones((1, 4)), [(7,)], 0.5).tolist() == [0, 0, 0, 0]


def test_too_many_affinities_are_refused():
    affinities = np.broadcast_to(np.float32(0), (2, 2**16, 2**15))
    with pytest.raises(ValueError, match="block by block"):
        mutex_watershed(affinities, [(1, 0), (0, 1)], 0.5)
