import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dalsegno.ops.balance import ClassCounts, balance_weights


def test_weights_are_the_inverse_share_inside_the_mask():
    labels = np.zeros((1, 1, 10, 10))
    labels[..., :2, :] = 1
    mask = np.ones_like(labels)
    mask[..., 5:, :] = 0
    weights, counts = balance_weights(labels, mask, None)
    assert counts == ClassCounts(((30, 20),))
    assert weights.dtype == np.float32
    np.testing.assert_allclose(weights[..., :2, :], 0.5 / 0.4, rtol=1e-6)
    np.testing.assert_allclose(weights[..., 2:5, :], 0.5 / 0.6, rtol=1e-6)
    assert not weights[..., 5:, :].any()


def test_shares_are_clipped_so_that_no_class_weighs_more_than_ten_times():
    weights, _ = balance_weights(np.zeros((2, 1, 4, 4)), np.ones((2, 1, 4, 4)), None)
    np.testing.assert_allclose(weights, 0.5 / 0.95, rtol=1e-6)
    labels = np.zeros((1, 1, 32, 32))
    labels[..., 0, 0] = 1
    weights, _ = balance_weights(labels, np.ones_like(labels), None)
    assert weights[0, 0, 0, 0] == pytest.approx(10)


@given(st.lists(arrays(np.uint8, (2, 3, 4, 4), elements=st.integers(0, 1)), min_size=2, max_size=4))
def test_counts_move_on_from_batch_to_batch(batches):
    mask = np.ones((2, 3, 4, 4))
    counts = None
    for batch in batches:
        weights, counts = balance_weights(batch, mask, counts)
        counts = ClassCounts.from_list(counts.to_list())
    once, total = balance_weights(np.concatenate(batches), np.concatenate([mask] * len(batches)), None)
    assert counts == total
    np.testing.assert_array_equal(weights, once[-2:])


def test_channels_and_samples_keep_to_themselves():
    labels = np.zeros((2, 2, 4, 4))
    labels[0, 0] = 1
    weights, counts = balance_weights(labels, np.ones_like(labels), None)
    assert counts.counts == ((16, 16), (32, 0))
    np.testing.assert_allclose(weights[:, 0], 1)
    np.testing.assert_allclose(weights[:, 1], 0.5 / 0.95, rtol=1e-6)


def test_more_than_two_classes():
    labels = np.arange(4).reshape(1, 1, 2, 2)
    weights, _ = balance_weights(labels, np.ones_like(labels), None, num_classes=4)
    np.testing.assert_allclose(weights, 1)


def test_an_empty_mask_gives_no_weight():
    weights, counts = balance_weights(np.ones((1, 1, 3, 3)), np.zeros((1, 1, 3, 3)), None)
    assert not weights.any()
    assert counts.counts == ((0, 0),)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="mask"):
        balance_weights(np.zeros((2, 1, 4, 4)), np.zeros((2, 4, 4)), None)
    with pytest.raises(ValueError, match=r"hold \[7\]"):
        balance_weights(np.full((1, 1, 2, 2), 7), np.ones((1, 1, 2, 2)), None)
    balance_weights(np.full((1, 1, 2, 2), 7), np.zeros((1, 1, 2, 2)), None)
