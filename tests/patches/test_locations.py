"""Where samples are cut."""

import numpy as np
import pytest
from funlib.geometry import Coordinate, Roi
from hypothesis import given
from hypothesis import strategies as st

from dalsegno.arrays.numpy_array import NumpyArray
from dalsegno.errors import DataError
from dalsegno.patches.locations import SampleSpace, draw_location, sample_generator


def space(**changes):
    given = {
        "name": "a",
        "region": Roi((40, 8), (400, 80)),
        "shape": Coordinate(50, 20),
        "grid": Coordinate(10, 4),
    }
    return SampleSpace(**given | changes)


@given(seed=st.integers(0, 2**63 - 1), index=st.integers(0, 2**63 - 1))
def test_samples_lie_inside_the_region_and_on_its_grid(seed, index):
    region = space().region
    _, roi = draw_location([space()], sample_generator(seed, index))
    assert region.contains(roi)
    assert roi.shape == Coordinate(50, 20)
    assert not any((roi.begin - region.begin) % space().grid)


def test_a_sample_is_a_function_of_seed_and_index():
    draws = [draw_location([space()], sample_generator(3, index)) for index in range(20)]
    again = [draw_location([space()], sample_generator(3, index)) for index in reversed(range(20))]
    other = [draw_location([space()], sample_generator(4, index)) for index in range(20)]
    assert draws == again[::-1]
    assert draws != other


def test_every_place_is_reached_and_equally_often():
    small = space(region=Roi((0,), (5,)), grid=Coordinate(1), shape=Coordinate(2))
    begins = [draw_location([small], sample_generator(0, i))[1].begin[0] for i in range(4000)]
    counts = np.bincount(begins, minlength=4)
    assert len(counts) == 4
    assert np.allclose(counts / 4000, 0.25, atol=0.03)


def test_datasets_are_sampled_by_their_weight():
    spaces = [space(weight=1), space(weight=3)]
    chosen = [draw_location(spaces, sample_generator(0, i))[0] for i in range(4000)]
    assert np.mean(chosen) == pytest.approx(0.75, abs=0.03)


def test_samples_are_centred_on_sample_points():
    points = (Coordinate(240, 48), Coordinate(45, 10))
    rois = {
        str(draw_location([space(sample_points=points, shape=Coordinate(40, 16))], sample_generator(0, i))[1])
        for i in range(50)
    }
    near_the_corner = Roi((40, 8), (40, 16))
    assert rois == {str(Roi((220, 40), (40, 16))), str(near_the_corner)}


def test_samples_are_covered_by_the_mask():
    covered = np.zeros((100,), np.uint8)
    covered[60:80] = 1
    mask = NumpyArray.from_np_array(covered, Roi((0,), (100,)), Coordinate(1), ["x"])
    masked = space(region=Roi((0,), (100,)), grid=Coordinate(1), shape=Coordinate(10), mask=mask, min_masked=0.5)
    begins = [draw_location([masked], sample_generator(0, i))[1].begin[0] for i in range(200)]
    assert min(begins) >= 55
    assert max(begins) <= 75


def test_a_mask_that_covers_nothing_is_an_error():
    mask = NumpyArray.from_np_array(np.zeros(100, np.uint8), Roi((0,), (100,)), Coordinate(1), ["x"])
    masked = space(region=Roi((0,), (100,)), grid=Coordinate(1), shape=Coordinate(10), mask=mask, min_masked=0.5)
    with pytest.raises(DataError, match="min_masked"):
        draw_location([masked], sample_generator(0, 0))


def test_a_sample_larger_than_the_data_is_an_error():
    with pytest.raises(DataError, match="larger than the annotated data"):
        draw_location([space(shape=Coordinate(500, 20))], sample_generator(0, 0))
