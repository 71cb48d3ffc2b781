import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from dalsegno.ops.affinities import affinities, affinity_mask

shapes = array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=6)
dtypes = st.sampled_from([np.uint8, np.int16, np.uint32, np.int64, np.uint64])
volumes = st.tuples(shapes, dtypes).flatmap(lambda drawn: arrays(drawn[1], drawn[0], elements=st.integers(0, 3)))


@st.composite
def labelled(draw):
    labels = draw(volumes)
    offsets = st.tuples(*[st.integers(-8, 8)] * labels.ndim)
    return labels, draw(st.lists(offsets, min_size=1, max_size=4))


def slow(values, neighborhood, joined):
    result = np.zeros((len(neighborhood), *values.shape), bool)
    for e, offset in enumerate(neighborhood):
        for voxel in itertools.product(*map(range, values.shape)):
            other = tuple(np.add(voxel, offset))
            if all(0 <= o < n for o, n in zip(other, values.shape, strict=True)):
                result[(e, *voxel)] = joined(values[voxel], values[other])
    return result


@given(labelled())
@settings(max_examples=60)
def test_affinities_join_voxels_of_one_object(drawn):
    labels, neighborhood = drawn
    expected = slow(labels, neighborhood, lambda a, b: a == b and a > 0 and b > 0)
    np.testing.assert_array_equal(affinities(labels, neighborhood), expected)
    expected = slow(labels, neighborhood, lambda a, b: a == b)
    np.testing.assert_array_equal(affinities(labels, neighborhood, background_as_object=True), expected)


@given(labelled())
@settings(max_examples=40)
def test_an_affinity_is_known_where_both_voxels_are(drawn):
    labels, neighborhood = drawn
    known = labels > 1
    expected = slow(known, neighborhood, lambda a, b: a and b)
    np.testing.assert_array_equal(affinity_mask(known, neighborhood), expected)


@given(labelled(), st.permutations([1, 2, 3]))
@settings(max_examples=30)
def test_names_of_the_objects_do_not_matter(drawn, names):
    labels, neighborhood = drawn
    renamed = np.array([0, *names], np.uint64)[labels.astype(int)] * np.uint64(2**60)
    np.testing.assert_array_equal(affinities(renamed, neighborhood), affinities(labels, neighborhood))


def test_an_offset_back_is_the_one_forth_seen_from_the_other_voxel():
    labels = np.random.default_rng(0).integers(0, 3, (5, 6, 7))
    forth, back = affinities(labels, [(1, 0, -2), (-1, 0, 2)])
    np.testing.assert_array_equal(forth[:-1, :, 2:], back[1:, :, :-2])


def test_ids_that_differ_in_their_last_bit_are_different_objects():
    labels = np.array([[2**60, 2**60 + 1, 2**60 + 1]], np.uint64)
    np.testing.assert_array_equal(affinities(labels, [(0, 1)])[0], [[False, True, False]])


def test_an_offset_has_one_number_per_axis():
    with pytest.raises(ValueError, match="zip"):
        affinities(np.zeros((3, 3), np.uint8), [(0, 0, 1)])
