from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dalsegno.ops import signed_graph
from dalsegno.ops.mutex_watershed import mutex_watershed

OFFSETS = [(1, 0, 0), (0, 1, 0), (0, 0, 1), (2, 0, 0), (0, 2, -1), (0, -3, 0)]


@pytest.fixture(params=["rounds only", "rounds until few edges are left"])
def _few(request, monkeypatch):
    if request.param == "rounds only":
        monkeypatch.setattr(signed_graph, "_FEW", 0)


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
    for voxel in segments:
        if voxel in attracted:
            labels[voxel] = numbers.setdefault(id(segments[voxel]), len(numbers) + 1)
    return labels


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.sampled_from([(1, 5, 6), (4, 4, 5), (2, 3, 1)]), st.floats(0.05, 0.95))
def test_it_is_what_comes_of_taking_edges_one_by_one(seed, shape, bias):
    affinities = np.random.default_rng(seed).random((6, *shape), np.float32)
    for values in (affinities, affinities.round(1)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(signed_graph, "_FEW", seed % 2 * 50)
            np.testing.assert_array_equal(mutex_watershed(values, OFFSETS, bias), one_by_one(values, OFFSETS, bias))
