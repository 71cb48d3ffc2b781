import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.metrics import variation_of_information as skimage_voi

from dalsegno.ops.voi import variation_of_information

segmentations = arrays(np.int64, 50, elements=st.integers(0, 4))


@given(segmentations, segmentations)
def test_split_and_merge_agree_with_skimage(test, truth):
    table = np.zeros((5, 5))
    np.add.at(table, (test, truth), 1)
    split, merge = variation_of_information(table)
    # skimage's first number is H(second | first)
    np.testing.assert_allclose([merge, split], skimage_voi(test, truth, ignore_labels=()), atol=1e-9)


def test_a_split_segment_costs_one_bit():
    assert variation_of_information(np.array([[10], [10]])) == (pytest.approx(1), 0)
    assert variation_of_information(np.array([[10, 10]])) == (0, pytest.approx(1))


def test_nothing_to_compare_is_no_variation():
    assert variation_of_information(np.zeros((2, 2))) == (0, 0)
