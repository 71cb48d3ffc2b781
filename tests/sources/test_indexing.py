import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dalsegno.sources import as_source

SHAPE = (4, 5, 6)
BOUND = st.none() | st.integers(-9, 9)
ENTRY = st.builds(slice, BOUND, BOUND) | st.integers(-4, 3)


@given(st.lists(ENTRY | st.just(...), max_size=3).filter(lambda entries: entries.count(...) <= 1))
def test_reads_what_numpy_reads(entries):
    array = np.arange(120).reshape(SHAPE)
    wanted, got = array[tuple(entries)], as_source(array)[tuple(entries)]
    np.testing.assert_array_equal(got, wanted)
    assert got.dtype == wanted.dtype
    assert got.shape == wanted.shape


@given(st.lists(ENTRY, max_size=3), st.integers(0, 3))
def test_writes_what_numpy_writes(entries, axes_of_value):
    wanted = np.zeros(SHAPE)
    region = wanted[tuple(entries)].shape
    value = np.random.default_rng(0).random(region[max(0, len(region) - axes_of_value) :])
    got = wanted.copy()
    wanted[tuple(entries)] = value
    as_source(got)[tuple(entries)] = value
    np.testing.assert_array_equal(got, wanted)


def test_values_are_cut_and_stretched_as_numpy_does():
    array = np.zeros(SHAPE, np.uint8)
    source = as_source(array)
    source[1:3, 2] = np.ones((1, 1, 1, 6))
    source[0, 0] = [7.9] * 6
    source[3] = np.array(300)
    assert array.sum() == 12 + 42 + 30 * 44
    with pytest.raises(OverflowError, match="300"):
        source[0] = 300
    with pytest.raises(ValueError, match=r"\(5,\) don't fit the region of shape \(5, 6\)"):
        source[0] = np.ones(5)


def test_arrays_in_memory_are_sent_whole():
    array = np.arange(6).reshape(2, 3)
    copy = pickle.loads(pickle.dumps(as_source(array)))
    np.testing.assert_array_equal(copy[:], array)
    assert copy.writable


@pytest.mark.parametrize("index", [4, -5, (0, 5), (0, 0, -7)])
def test_an_integer_beyond_the_axis_is_an_index_error_and_a_value_error(index):
    for expected in (IndexError, ValueError):
        with pytest.raises(expected, match="out of range"):
            as_source(np.zeros(SHAPE))[index]


def test_too_many_entries_are_an_index_error_and_a_type_error():
    for expected in (IndexError, TypeError):
        with pytest.raises(expected, match="too long"):
            as_source(np.zeros(SHAPE))[0, 0, 0, 0]


@pytest.mark.parametrize("index", [slice(None, None, 2), slice(None, None, -1), (..., 0, ...)])
def test_steps_and_two_ellipses_are_value_errors(index):
    with pytest.raises(ValueError, match=r"steps|ellipsis"):
        as_source(np.zeros(SHAPE))[index]


@pytest.mark.parametrize(
    "index", [None, [0, 1], np.array([0, 1]), np.array(0), "a", 1.0, True, np.True_, (np.array([0, 1]), 0)]
)
def test_anything_else_is_a_type_error(index):
    with pytest.raises(TypeError, match="can't index"):
        as_source(np.zeros(SHAPE))[index]


def test_a_source_without_axes_gives_its_scalar():
    source = as_source(np.array(7))
    assert source[()] == source[...] == 7
    assert source[()].ndim == 0
    with pytest.raises(TypeError):
        source[0]


def test_a_source_iterates_and_converts_to_numpy():
    array = np.arange(6).reshape(3, 2)
    source = as_source(array)
    assert len(source) == 3
    assert [row.sum() for row in source] == [1, 5, 9]
    np.testing.assert_array_equal(np.asarray(source), array)
