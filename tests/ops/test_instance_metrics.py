from math import isnan, log2, nan, sqrt

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.metrics import adapted_rand_error as skimage_rand
from skimage.metrics import variation_of_information as skimage_voi

from dalsegno.ops.contingency import ContingencyTable
from dalsegno.ops.instance_metrics import IOU_THRESHOLDS, average_precisions, instance_scores

labels = arrays(np.int64, (4, 15), elements=st.integers(0, 4))
ERRORS = ("voi_split", "voi_merge", "adapted_rand_error", "cremi_score")


def scores(segmentation, truth, mask=None, *, background_as_object=False):
    table = ContingencyTable.of(segmentation, truth, mask)
    return instance_scores(table, background_as_object=background_as_object)


def slow_matches(segmentation, truth, threshold):
    """Intersection over union of all pairs of objects that match, false positives, and false negatives."""
    segments, objects = set(segmentation[segmentation > 0].tolist()), set(truth[truth > 0].tolist())
    overlaps = []
    for segment in list(segments):
        for label in list(objects):
            both = np.sum((segmentation == segment) & (truth == label))
            either = np.sum((segmentation == segment) | (truth == label))
            if both / either > threshold:
                overlaps.append(both / either)
                segments.discard(segment)
                objects.discard(label)
    return overlaps, len(segments), len(objects)


@given(labels, labels, st.booleans())
def test_voi_and_rand_error_agree_with_skimage(segmentation, truth, background_as_object):
    ours = scores(segmentation, truth, background_as_object=background_as_object)
    ignored = () if background_as_object else (0,)
    counted = np.bincount(truth[~np.isin(truth, ignored)])
    assume(counted.sum() > 0)
    voi = skimage_voi(truth, segmentation, ignore_labels=ignored)
    assert [ours["voi_split"], ours["voi_merge"]] == pytest.approx(voi, abs=1e-9)
    assume(counted.max() > 1)
    with np.errstate(invalid="ignore"):
        # what skimage computes first has the pairs of the truth below the line: by its own words that is recall
        error, recall, precision = skimage_rand(truth, segmentation, ignore_labels=ignored)
    assert ours["adapted_rand_error"] == pytest.approx(error, abs=1e-9)
    assert ours["adapted_rand_precision"] == pytest.approx(precision, abs=1e-9, nan_ok=True)
    assert ours["adapted_rand_recall"] == pytest.approx(recall, abs=1e-9)
    assert ours["cremi_score"] == pytest.approx(sqrt(sum(voi) * error), abs=1e-7)


# objects of a few voxels with some noise: random labels hardly ever match
objects = arrays(np.int64, (3, 4), elements=st.integers(0, 6)).map(lambda ids: np.kron(ids, np.ones((3, 3), np.int64)))
noise = arrays(bool, (9, 12), elements=st.integers(0, 9).map(lambda number: number == 0))


@given(objects, noise)
def test_average_precision_and_panoptic_quality_follow_their_definitions(truth, changed):
    segmentation = np.where(changed, 7 - truth, truth)
    ours, precisions = scores(segmentation, truth), []
    for threshold in IOU_THRESHOLDS:
        overlaps, false_positives, false_negatives = slow_matches(segmentation, truth, threshold)
        total = len(overlaps) + false_positives + false_negatives
        precisions.append(len(overlaps) / total if total else nan)
    assert average_precisions(ContingencyTable.of(segmentation, truth)) == pytest.approx(precisions, nan_ok=True)
    assert ours["average_precision"] == pytest.approx(np.mean(precisions), nan_ok=True)
    assert ours["average_precision_50"] == pytest.approx(precisions[0], nan_ok=True)
    assert ours["average_precision_75"] == pytest.approx(precisions[5], nan_ok=True)
    overlaps, false_positives, false_negatives = slow_matches(segmentation, truth, 0.5)
    weight = len(overlaps) + false_positives / 2 + false_negatives / 2
    assert ours["panoptic_quality"] == pytest.approx(sum(overlaps) / weight if weight else nan, nan_ok=True)
    if overlaps:
        assert ours["segmentation_quality"] == pytest.approx(np.mean(overlaps))
        assert ours["panoptic_quality"] == pytest.approx(ours["segmentation_quality"] * ours["recognition_quality"])


def test_an_overlap_of_just_the_threshold_is_no_match():
    truth = np.array([1] * 20)
    for percent, found in zip(range(50, 100, 5), range(10), strict=True):
        segmentation = np.array([1] * (percent // 5) + [0] * (20 - percent // 5))
        assert sum(average_precisions(ContingencyTable.of(segmentation, truth))) == found


@given(labels, labels, st.permutations(range(1, 5)))
def test_ids_do_not_matter(segmentation, truth, order):
    renamed = np.array([0, *order]).astype(np.uint64)[truth] * np.uint64(2**59)
    for background_as_object in (False, True):
        one = scores(segmentation, truth, background_as_object=background_as_object)
        other = scores(segmentation, renamed, background_as_object=background_as_object)
        assert one == pytest.approx(other, nan_ok=True)


@given(labels, labels)
def test_what_is_split_one_way_is_merged_the_other(segmentation, truth):
    one = scores(segmentation, truth, background_as_object=True)
    other = scores(truth, segmentation, background_as_object=True)
    assert one["voi_split"] == pytest.approx(other["voi_merge"], abs=1e-12)
    assert one["adapted_rand_precision"] == pytest.approx(other["adapted_rand_recall"], nan_ok=True)
    for criterion in ("adapted_rand_error", "average_precision", "panoptic_quality"):
        assert one[criterion] == pytest.approx(other[criterion], nan_ok=True)


@given(objects)
def test_the_truth_itself_is_perfect(truth):
    assume(truth.any())
    ours = scores(truth, truth)
    assert ours == {criterion: pytest.approx(0 if criterion in ERRORS else 1, abs=1e-12) for criterion in ours}


@given(labels, labels, arrays(bool, 15))
def test_what_is_outside_the_mask_does_not_count(segmentation, truth, columns):
    mask = np.broadcast_to(columns, truth.shape)
    masked, cropped = scores(segmentation, truth, mask), scores(segmentation[:, columns], truth[:, columns])
    assert masked == pytest.approx(cropped, nan_ok=True)


def blobs():
    """Many small objects in much background, and a segmentation that cuts one of ten in two."""
    truth = np.zeros((100, 100), np.int64)
    for number in range(100):
        y, x = divmod(number, 10)
        truth[10 * y + 1 : 10 * y + 5, 10 * x + 1 : 10 * x + 5] = number + 1
    segmentation = truth.copy()
    segmentation[::2][(truth[::2] % 10 == 0) & (truth[::2] > 0)] += 100
    return segmentation, truth


def test_one_big_segment_does_not_win():
    segmentation, truth = blobs()
    for everything in (np.ones_like(truth), np.zeros_like(truth), (truth > 0).astype(np.uint8)):
        good, bad = scores(segmentation, truth), scores(everything, truth)
        assert bad["voi_merge"] == pytest.approx(log2(100))
        assert good["voi_split"] + good["voi_merge"] < bad["voi_split"] + bad["voi_merge"]
        assert good["adapted_rand_error"] < bad["adapted_rand_error"]
        assert good["cremi_score"] < bad["cremi_score"]
        assert good["average_precision"] > 0.7 > bad["average_precision"] == 0
        assert good["panoptic_quality"] > 0.7 > bad["panoptic_quality"] == 0


def test_false_objects_in_the_background_are_seen_where_objects_are_found():
    _, truth = blobs()
    flooded = np.where(truth == 0, 1000 + np.arange(100)[:, None] // 10, truth)
    ours = scores(flooded, truth)
    assert ours["voi_split"] == ours["voi_merge"] == 0
    assert ours["average_precision"] == pytest.approx(100 / 110)


def test_nothing_found_of_something():
    ours = scores(np.zeros((2, 10), int), np.repeat([[1], [2]], 10, axis=1))
    assert (ours["voi_split"], ours["voi_merge"]) == (0, 1)
    assert ours["adapted_rand_recall"] == 1
    assert ours["average_precision"] == ours["panoptic_quality"] == ours["recognition_quality"] == 0
    assert isnan(ours["segmentation_quality"])


def test_something_found_of_nothing():
    ours = scores(np.repeat([[1], [2]], 10, axis=1), np.zeros((2, 10), int))
    assert all(isnan(ours[criterion]) for criterion in ERRORS)
    assert ours["average_precision"] == ours["panoptic_quality"] == 0
    complete = scores(np.repeat([[1], [2]], 10, axis=1), np.zeros((2, 10), int), background_as_object=True)
    assert (complete["voi_split"], complete["voi_merge"]) == (1, 0)


def test_nothing_found_of_nothing_and_nothing_to_judge_are_undefined():
    nothing = np.zeros((2, 10), int)
    assert all(isnan(value) for value in scores(nothing, nothing).values())
    assert all(isnan(value) for value in scores(nothing + 1, nothing + 1, np.zeros((2, 10), bool)).values())


def test_volumes_of_any_size_have_scores():
    random = np.random.default_rng(0)
    for _ in range(100):
        ids, counts = random.permutation(30), random.integers(10**9, 10**12, 30)
        ours = instance_scores(ContingencyTable.of_pairs(ids + 1, 30 - ids, counts))
        assert ours["adapted_rand_error"] == pytest.approx(0, abs=1e-12)
        assert ours["cremi_score"] == pytest.approx(0, abs=1e-6)
        assert ours["panoptic_quality"] == 1
