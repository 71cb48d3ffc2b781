import math

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import distance_transform_edt
from skimage.metrics import variation_of_information

from dalsegno.ops.binary_metrics import BinaryTruth, binary_scores

VOXEL_SIZE = (50, 4, 6)
volumes = arrays(bool, (4, 6, 5))


def scores(test, truth, voxel_size=VOXEL_SIZE, mask=None, clip_distance=20, tol_distance=6):
    prepared = BinaryTruth.of(truth, voxel_size, mask)
    return binary_scores(test, prepared, clip_distance=clip_distance, tol_distance=tol_distance)


def slow_scores(test, truth, clip, tol):
    """Every criterion from its definition, for two sides that are not empty."""
    to_truth = distance_transform_edt(~truth, sampling=VOXEL_SIZE)[test]
    to_test = distance_transform_edt(~test, sampling=VOXEL_SIZE)[truth]
    fp_tol, fn_tol = (to_truth > tol).sum(), (to_test > tol).sum()
    tp_tol = (test | truth).sum() - fp_tol - fn_tol
    tp, fp, fn = (test & truth).sum(), (test & ~truth).sum(), (truth & ~test).sum()
    negatives = (~truth).sum()
    return {
        "dice": 2 * tp / (test.sum() + truth.sum()),
        "jaccard": tp / (test | truth).sum(),
        "hausdorff": max(to_truth.max(), to_test.max()),
        "false_negative_rate": fn / truth.sum(),
        "false_negative_rate_with_tolerance": fn_tol / truth.sum(),
        "false_positive_rate": fp / negatives if negatives else math.nan,
        "false_discovery_rate": fp / test.sum(),
        "false_positive_rate_with_tolerance": fp_tol / negatives if negatives else math.nan,
        "voi": sum(variation_of_information(test.astype(int) + 1, truth.astype(int) + 1, ignore_labels=())),
        "mean_false_distance": (to_truth.mean() + to_test.mean()) / 2,
        "mean_false_negative_distance": to_test.mean(),
        "mean_false_positive_distance": to_truth.mean(),
        "mean_false_distance_clipped": (to_truth.clip(0, clip).mean() + to_test.clip(0, clip).mean()) / 2,
        "mean_false_negative_distance_clipped": to_test.clip(0, clip).mean(),
        "mean_false_positive_distance_clipped": to_truth.clip(0, clip).mean(),
        "precision_with_tolerance": tp_tol / (tp_tol + fp_tol) if tp_tol + fp_tol else math.nan,
        "recall_with_tolerance": tp_tol / (tp_tol + fn_tol) if tp_tol + fn_tol else math.nan,
        "f1_score_with_tolerance": 2 * tp_tol / (2 * tp_tol + fp_tol + fn_tol),
        "precision": 1 - fp / test.sum(),
        "recall": 1 - fn / truth.sum(),
        "f1_score": 2 * tp / (2 * tp + fp + fn),
    }


@given(volumes, volumes)
@settings(max_examples=80)
def test_all_criteria_follow_their_definitions(test, truth):
    assume(test.any() and truth.any())
    fast, slow = scores(test, truth), slow_scores(test, truth, 20, 6)
    assert fast.keys() == slow.keys()
    for criterion, value in slow.items():
        assert fast[criterion] == pytest.approx(value, rel=1e-9, abs=1e-12, nan_ok=True), criterion


def itk(array, voxel_size):
    image = sitk.GetImageFromArray(array.astype(np.uint8))
    image.SetSpacing([float(size) for size in voxel_size[::-1]])
    return image


@given(st.sampled_from([(50, 4, 6), (8, 8, 8), (3, 7)]), st.integers(0, 2**32 - 1), st.sampled_from([0.05, 0.5]))
@settings(max_examples=30)
def test_overlaps_and_hausdorff_distance_agree_with_simpleitk(voxel_size, seed, share):
    test, truth = np.random.default_rng(seed).random((2, 12, 10, 11)[: len(voxel_size) + 1]) < share
    ours = scores(test, truth, voxel_size)
    images = [itk(side, voxel_size) for side in (test, truth)]
    overlap, hausdorff = sitk.LabelOverlapMeasuresImageFilter(), sitk.HausdorffDistanceImageFilter()
    overlap.Execute(*images)
    hausdorff.Execute(*images)
    assert ours["dice"] == pytest.approx(overlap.GetDiceCoefficient())
    assert ours["jaccard"] == pytest.approx(overlap.GetJaccardCoefficient())
    assert ours["false_negative_rate"] == pytest.approx(overlap.GetFalseNegativeError())
    assert ours["false_discovery_rate"] == pytest.approx(overlap.GetFalseDiscoveryRate())
    # ITK's error of false positives has been the share of the background since 5.3
    assert ours["false_positive_rate"] == pytest.approx(overlap.GetFalsePositiveError())
    assert ours["hausdorff"] == pytest.approx(hausdorff.GetHausdorffDistance(), rel=1e-6)


def test_hausdorff_distance_is_measured_along_the_right_axis():
    truth, test = np.zeros((2, 12, 10, 8), bool)
    truth[1, 5, 4] = True
    test[6, 5, 4] = True
    assert scores(test, truth, (40, 4, 4))["hausdorff"] == 200
    assert scores(test.transpose(2, 1, 0), truth.transpose(2, 1, 0), (40, 4, 4))["hausdorff"] == 20


def test_false_positive_rate_is_the_share_of_the_background():
    truth, test = np.zeros((2, 10, 10), bool)
    truth[:2] = True
    test[1:3] = True
    ours = scores(test, truth, (4, 4))
    assert ours["false_positive_rate"] == 10 / 80
    assert ours["false_discovery_rate"] == 0.5


def test_an_empty_segmentation_of_something_is_the_worst_not_undefined():
    truth = np.zeros((4, 5, 6), bool)
    truth[1:3] = True
    ours = scores(np.zeros_like(truth), truth)
    for criterion in ("dice", "jaccard", "recall", "f1_score", "recall_with_tolerance", "f1_score_with_tolerance"):
        assert ours[criterion] == 0, criterion
    assert ours["false_negative_rate"] == ours["false_negative_rate_with_tolerance"] == 1
    for criterion in ("precision", "false_discovery_rate", "hausdorff", "mean_false_distance_clipped"):
        assert math.isnan(ours[criterion]), criterion


def test_finding_something_where_nothing_is():
    test = np.zeros((4, 5, 6), bool)
    test[1:3] = True
    ours = scores(test, np.zeros_like(test))
    for criterion in ("dice", "jaccard", "precision", "f1_score", "precision_with_tolerance"):
        assert ours[criterion] == 0, criterion
    assert ours["false_positive_rate"] == ours["false_positive_rate_with_tolerance"] == 0.5
    for criterion in ("recall", "false_negative_rate", "hausdorff", "mean_false_distance"):
        assert math.isnan(ours[criterion]), criterion


def test_nothing_found_where_nothing_is():
    empty = np.zeros((4, 5, 6), bool)
    ours = scores(empty, empty)
    assert ours["hausdorff"] == ours["voi"] == ours["false_positive_rate"] == 0
    assert all(math.isnan(ours[criterion]) for criterion in ("dice", "jaccard", "f1_score", "precision", "recall"))


def test_a_perfect_segmentation():
    truth = np.random.default_rng(0).random((4, 5, 6)) > 0.5
    ours = scores(truth, truth)
    better = {"dice", "jaccard"} | {name for name in ours if name.startswith(("precision", "recall", "f1"))}
    assert all(value == (1 if name in better else 0) for name, value in ours.items())


def test_finding_everything_everywhere():
    truth = np.zeros((5, 5, 5), bool)
    truth[2, 2, 2] = True
    ours = scores(np.ones_like(truth), truth, (8, 8, 8), clip_distance=8, tol_distance=8)
    assert ours["recall"] == ours["false_positive_rate"] == 1
    assert ours["precision"] == 1 / 125
    assert ours["hausdorff"] == pytest.approx(16 * math.sqrt(3))
    assert ours["mean_false_positive_distance_clipped"] == pytest.approx(8 * 124 / 125)
    # the six voxels across its faces are within the tolerance
    assert ours["precision_with_tolerance"] == 7 / 125
    full = scores(truth, np.ones_like(truth))
    assert math.isnan(full["false_positive_rate"])


def test_one_voxel_at_the_border_is_judged_like_any_other():
    truth, test = np.zeros((2, 4, 6, 5), bool)
    truth[0, 0, 0] = test[0, 0, 1] = True
    ours = scores(test, truth)
    assert ours["hausdorff"] == ours["mean_false_distance"] == 6
    assert ours["f1_score"] == 0
    assert ours["f1_score_with_tolerance"] == 1


@pytest.mark.parametrize("shape", [(1,), (1, 1), (1, 1, 1)])
def test_a_single_voxel(shape):
    one, none = np.ones(shape, bool), np.zeros(shape, bool)
    size = VOXEL_SIZE[: len(shape)]
    assert scores(one, one, size)["f1_score"] == 1
    assert scores(one, one, size)["hausdorff"] == 0
    assert scores(none, one, size)["f1_score"] == scores(one, none, size)["f1_score"] == 0
    assert math.isnan(scores(none, none, size)["f1_score"])


@given(arrays(bool, (6, 5)), arrays(bool, (6, 5)))
@settings(max_examples=20)
def test_a_section_is_judged_as_an_image(test, truth):
    section = scores(test[None], truth[None], (1000, 4, 6))
    assert section == pytest.approx(scores(test, truth, (4, 6)), rel=1e-9, nan_ok=True)


def test_nothing_is_judged_where_all_is_masked():
    truth = np.ones((4, 5, 6), bool)
    assert all(math.isnan(value) for value in scores(truth, truth, mask=np.zeros_like(truth)).values())
    assert all(math.isnan(value) for value in scores(truth[:0], truth[:0]).values())


@given(volumes, volumes, arrays(bool, 5))
@settings(max_examples=40)
def test_what_is_outside_the_mask_does_not_count(test, truth, columns):
    assume(columns.any())
    width = int(columns.argmax()) + 1
    mask = np.zeros((4, 6, 5), bool)
    mask[..., :width] = True
    masked = scores(test, truth, mask=mask)
    cropped = scores(test[..., :width], truth[..., :width])
    assert masked == pytest.approx(cropped, rel=1e-9, nan_ok=True)


def test_shapes_must_agree():
    truth = BinaryTruth.of(np.ones((4, 4), bool), (1, 1))
    with pytest.raises(ValueError, match="shape"):
        binary_scores(np.ones((4, 5), bool), truth, clip_distance=1, tol_distance=1)
    with pytest.raises(ValueError, match="mask"):
        BinaryTruth.of(np.ones((4, 4), bool), (1, 1), np.ones(4, bool))
