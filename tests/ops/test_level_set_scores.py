from math import isnan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dalsegno.ops.binary_counts import DISTANCE_CRITERIA, OVERLAP_CRITERIA
from dalsegno.ops.binary_metrics import BinaryTruth, binary_scores
from dalsegno.ops.level_set_scores import level_set_counts, level_set_scores
from dalsegno.ops.level_sets import LevelSets

SHAPE = (4, 6, 5)
SIZE = (50, 4, 6)
LIMITS = {"clip_distance": 20, "tol_distance": 6}
# few values, so that many voxels lie exactly on a threshold
values = arrays(np.float32, SHAPE, elements=st.sampled_from([-1.0, -0.1, 0.0, 0.1, 0.3, 1.0]))
thresholds = st.lists(st.sampled_from([-2.0, -0.1, 0.0, 0.1, 0.10000001, 0.3, 0.7, 1.0, 5.0]), min_size=1, max_size=6)
masks = st.none() | arrays(bool, SHAPE)


def swept(levels, truth, wanted=()):
    return level_set_scores(levels, truth, level_set_counts(levels, truth), wanted, **LIMITS)


@given(values, arrays(bool, SHAPE), thresholds, masks)
@settings(max_examples=80)
def test_each_threshold_scores_as_if_alone(image, foreground, cuts, mask):
    truth, levels = BinaryTruth.of(foreground, SIZE, mask), LevelSets(image, tuple(cuts))
    for scores, segmentation in zip(swept(levels, truth, range(len(levels))), levels, strict=True):
        assert scores == pytest.approx(binary_scores(segmentation > 0, truth, **LIMITS), rel=1e-9, nan_ok=True)


@given(values, arrays(bool, SHAPE), thresholds, st.data())
@settings(max_examples=40)
def test_distances_are_measured_where_they_are_wanted(image, foreground, cuts, data):
    truth, levels = BinaryTruth.of(foreground, SIZE), LevelSets(image, tuple(cuts))
    chosen = data.draw(st.sets(st.integers(0, len(cuts) - 1)))
    for position, scores in enumerate(swept(levels, truth, chosen)):
        alone = binary_scores(levels[position] > 0, truth, **LIMITS)
        known = OVERLAP_CRITERIA + (DISTANCE_CRITERIA if position in chosen else ())
        assert {name: scores[name] for name in known} == pytest.approx(
            {name: alone[name] for name in known}, rel=1e-9, nan_ok=True
        )
        assert all(isnan(scores[name]) for name in scores if name not in known)
        assert scores.keys() == alone.keys()


def test_an_image_larger_than_one_piece():
    random = np.random.default_rng(0)
    image, foreground, mask = random.random((50, 60, 70)), random.random((50, 60, 70)) > 0.7, random.random(50) > 0.2
    truth = BinaryTruth.of(foreground, (1, 1, 1), np.broadcast_to(mask[:, None, None], foreground.shape))
    for scores, threshold in zip(swept(LevelSets(image, (0.9, 0.2)), truth), (0.9, 0.2), strict=True):
        alone = binary_scores(image > threshold, truth, **LIMITS)
        assert [scores[name] for name in OVERLAP_CRITERIA] == [alone[name] for name in OVERLAP_CRITERIA]


def test_whole_numbers_are_cut_between_them():
    image = np.arange(8, dtype=np.uint8).reshape(2, 4)
    truth = BinaryTruth.of(image > 3, (1, 1))
    scores = swept(LevelSets(image, (3.5, 3, 2.5)), truth)
    assert [score["dice"] for score in scores] == [1, 1, 8 / 9]


def test_shapes_must_agree():
    truth = BinaryTruth.of(np.ones((4, 4), bool), (1, 1))
    with pytest.raises(ValueError, match="shape"):
        level_set_counts(LevelSets(np.ones((4, 5)), (0.5,)), truth)
