"""Segments grow into the background that is near them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.segmentation import expand_labels

from dalsegno.ops.expansion import expand_segments

SEGMENTS = arrays(np.uint32, st.tuples(*[st.integers(1, 7)] * 3), elements=st.sampled_from([0, 0, 0, 1, 2**31]))


@given(SEGMENTS, st.sampled_from([0, 1, 1.5, 2, 100]))
def test_every_voxel_near_a_segment_gets_a_nearest_one(segments, distance):
    expanded = expand_segments(segments, distance)
    assert expanded.dtype == segments.dtype
    places = np.argwhere(segments)
    for voxel in np.argwhere(segments == 0):
        apart = np.sqrt(((places - voxel) ** 2).sum(axis=1))
        least = apart.min(initial=np.inf)
        nearest = {segments[tuple(place)] for place in places[apart == least]}
        assert expanded[tuple(voxel)] in (nearest if least <= distance else {0})
    np.testing.assert_array_equal(expanded[segments > 0], segments[segments > 0])


@pytest.mark.parametrize("along", [(False, True, True), (True, False, True), (True, True, False)])
def test_sections_are_independent(along):
    segments = np.random.default_rng(0).choice([0, 0, 0, 0, 5, 9], (4, 4, 4))
    flat = along.index(False)
    expanded = expand_segments(segments, 2, along)
    for section, found in zip(np.moveaxis(segments, flat, 0), np.moveaxis(expanded, flat, 0), strict=True):
        np.testing.assert_array_equal(found > 0, expand_labels(section, 2) > 0)
    np.testing.assert_array_equal(expand_segments(segments, 2, (False,) * 3), segments)
