from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dalsegno.ops import contingency
from dalsegno.ops.contingency import ContingencyTable, TrueLabels

SHAPE = (3, 4, 5)
IDS = {
    np.uint8: [0, 1, 2, 255],
    np.int8: [0, -128, 127, 5],
    np.uint16: [0, 7, 65535, 256],
    np.int64: [0, -(2**63), 2**60, -1],
    np.uint64: [0, 2**60, 2**60 + 1, 2**64 - 1],
    np.bool_: [False, True],
}
labels = st.sampled_from(list(IDS)).flatmap(lambda dtype: arrays(dtype, SHAPE, elements=st.sampled_from(IDS[dtype])))
masks = st.none() | arrays(bool, SHAPE)


def pairs(table):
    segments, truths = table.segment_ids[table.segments], table.true_ids[table.truths]
    return dict(zip(zip(segments.tolist(), truths.tolist(), strict=True), table.counts.tolist(), strict=True))


def counted(segmentation, truth, mask=None):
    """Count voxel by voxel."""
    inside = np.ones(truth.shape, bool) if mask is None else mask
    return Counter(zip(segmentation[inside].tolist(), truth[inside].tolist(), strict=True))


@given(labels, labels, masks)
def test_every_voxel_inside_the_mask_is_counted_once(segmentation, truth, mask):
    table = ContingencyTable.of(segmentation, truth, mask)
    assert pairs(table) == counted(segmentation, truth, mask)
    sizes = dict(zip(table.segment_ids.tolist(), table.segment_sizes.tolist(), strict=True))
    inside = slice(None) if mask is None else mask
    assert sizes == Counter(segmentation[inside].ravel().tolist())
    assert table.true_sizes.sum() == table.counts.sum()


@given(labels, labels, masks, st.integers(1, 2))
def test_tables_of_blocks_add_up(segmentation, truth, mask, cut):
    mask = np.ones(SHAPE, bool) if mask is None else mask
    blocks = [np.s_[:cut], np.s_[cut:]]
    tables = [ContingencyTable.of(segmentation[block], truth[block], mask[block]) for block in blocks]
    assert pairs(ContingencyTable.total(tables)) == counted(segmentation, truth, mask)


def test_many_pieces_and_many_ids_are_counted_alike(monkeypatch):
    random = np.random.default_rng(0)
    truth = np.repeat(random.integers(0, 50, 3000), 7).reshape(100, 210) * 2**40
    noise = random.integers(0, 2**62, truth.shape)
    segmentation = np.where(random.random(truth.shape) < 0.5, truth, noise)
    monkeypatch.setattr(contingency, "PIECE", 1000)
    monkeypatch.setattr(contingency, "PAIRS", 100)
    assert pairs(ContingencyTable.of(segmentation, truth)) == counted(segmentation, truth)


def test_prepared_labels_serve_several_segmentations():
    random = np.random.default_rng(0)
    truth, mask = random.integers(0, 4, SHAPE), random.random(SHAPE) > 0.5
    prepared = TrueLabels.of(truth, mask)
    for segmentation in random.integers(0, 9, (3, *SHAPE)):
        assert pairs(ContingencyTable.of(segmentation, prepared)) == counted(segmentation, truth, mask)


def test_an_object_can_be_left_out():
    table = ContingencyTable.of(np.array([1, 1, 2, 3]), np.array([0, 5, 5, 0])).without_true(0)
    assert pairs(table) == {(1, 5): 1, (2, 5): 1}
    assert sorted(zip(table.segment_ids.tolist(), table.segment_sizes.tolist(), strict=True)) == [
        (1, 1),
        (2, 1),
        (3, 0),
    ]


def test_a_mask_of_numbers_is_one_of_truths():
    truth, mask = np.array([1, 1, 2, 2]), np.array([0, 1, 2, 0], np.uint8)
    assert pairs(ContingencyTable.of(truth, truth, mask)) == {(1, 1): 1, (2, 2): 1}


def test_views_that_are_not_contiguous_are_counted():
    truth = np.arange(60).reshape(SHAPE) // 7
    assert pairs(ContingencyTable.of(truth.T, truth.T)) == counted(truth, truth)


def test_nothing_has_an_empty_table():
    assert pairs(ContingencyTable.of(np.zeros((0, 3), np.uint64), np.zeros((0, 3), np.uint8))) == {}
    with pytest.raises(ValueError, match="at least one block"):
        ContingencyTable.total([])


def test_what_can_not_be_counted_is_refused():
    truth = np.zeros(SHAPE, np.uint64)
    with pytest.raises(ValueError, match="dtype float32"):
        ContingencyTable.of(truth.astype(np.float32), truth)
    with pytest.raises(ValueError, match="dtype float64"):
        ContingencyTable.of(truth, truth.astype(float))
    with pytest.raises(ValueError, match="segmentation has shape"):
        ContingencyTable.of(truth[:2], truth)
    with pytest.raises(ValueError, match="mask has shape"):
        ContingencyTable.of(truth, truth, np.ones(SHAPE[1:], bool))
