import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dalsegno.ops.binary_blocks import Pair, blockwise_scores
from dalsegno.ops.binary_metrics import BinaryTruth, binary_scores

SIZE = (50, 4, 6)
LIMITS = {"clip_distance": 20, "tol_distance": 6}


def in_blocks(test, truth, block, mask=None, size=SIZE):
    def read(box):
        return [Pair(test[box], truth[box], None if mask is None else mask[box])]

    (scores,) = blockwise_scores(read, truth.shape, size, block, **LIMITS)
    return scores


def whole(test, truth, mask=None, size=SIZE):
    return binary_scores(test, BinaryTruth.of(truth, size, mask), **LIMITS)


def sparse(shape):
    """Foreground of any share, often only a voxel or none."""
    return st.builds(
        lambda seed, share: np.random.default_rng(seed).random(shape) < share,
        st.integers(0, 2**32 - 1),
        st.sampled_from([0.0, 0.005, 0.05, 0.5, 1.0]),
    )


SHAPE = (7, 11, 9)


@given(sparse(SHAPE), sparse(SHAPE), st.tuples(*(st.integers(1, 12),) * 3), st.none() | arrays(bool, SHAPE))
@settings(max_examples=60)
def test_blocks_add_up_to_the_whole(test, truth, block, mask):
    assert in_blocks(test, truth, block, mask) == pytest.approx(whole(test, truth, mask), rel=1e-9, nan_ok=True)


@pytest.mark.parametrize("shape", [(20, 30), (1, 20, 30), (1, 1, 1), (64,)])
def test_images_sections_and_single_voxels_in_blocks(shape):
    random, size = np.random.default_rng(0), SIZE[-len(shape) :]
    test, truth = random.random((2, *shape)) < 0.05
    expected = whole(test, truth, size=size)
    assert in_blocks(test, truth, (7,) * len(shape), size=size) == pytest.approx(expected, rel=1e-9, nan_ok=True)


def test_what_is_far_from_everything_is_as_far_as_it_is():
    test, truth = np.zeros((2, 40, 40, 40), bool)
    truth[2:5, 2:5, 2:5] = test[2:5, 2:5, 2:5] = True
    test[38, 37, 36] = True
    scores = in_blocks(test, truth, (8, 8, 8))
    assert scores["hausdorff"] == pytest.approx(np.sqrt((34 * 50) ** 2 + (33 * 4) ** 2 + (32 * 6) ** 2))
    assert scores == pytest.approx(whole(test, truth), rel=1e-12)
    missed = in_blocks(truth, test, (8, 8, 8))
    assert missed["mean_false_negative_distance"] == scores["mean_false_positive_distance"]


def test_most_of_a_volume_far_from_the_truth():
    test, truth = np.ones((30, 32, 34), bool), np.zeros((30, 32, 34), bool)
    truth[3, 4, 5] = True
    assert in_blocks(test, truth, (8, 8, 8)) == pytest.approx(whole(test, truth), rel=1e-9)


def test_channels_are_apart_and_each_has_its_mask():
    random = np.random.default_rng(0)
    tests, truths, masks = random.random((3, 2, 8, 9, 10)) < 0.2
    pairs = [tests, truths, masks]
    scores = blockwise_scores(
        lambda box: [Pair(*(side[channel][box] for side in pairs)) for channel in range(2)],
        (8, 9, 10),
        SIZE,
        (4, 4, 4),
        **LIMITS,
    )
    for position, each in enumerate(scores):
        assert each == pytest.approx(whole(tests[position], truths[position], masks[position]), rel=1e-9, nan_ok=True)
