import math

import numpy as np
import pytest
from funlib.geometry import Coordinate, Roi
from upath import UPath

from dalsegno.arrays.zarr_array import ZarrArray
from dalsegno.errors import ConfigError, DataError
from dalsegno.experiments.tasks.evaluators.binary_segmentation_evaluator import BinarySegmentationEvaluator
from dalsegno.ops.binary_metrics import BinaryTruth, binary_scores
from dalsegno.ops.level_sets import LevelSets
from dalsegno.store.array_store import LocalArrayIdentifier

SIZE = (50, 4, 4)
RANDOM = np.random.default_rng(0)
TRUTH = RANDOM.random((6, 12, 14)) > 0.7


def noisy(truth, share):
    return truth ^ (RANDOM.random(truth.shape) < share)


@pytest.fixture
def evaluator():
    return BinarySegmentationEvaluator("100 nm", 8, ("mito",))


def test_a_sweep_scores_each_output_as_if_alone(evaluator, make_array):
    outputs = [noisy(TRUTH, share).astype(np.uint8)[None] for share in (0.0, 0.1, 0.5)]
    swept = list(evaluator.sweep(outputs, make_array(TRUTH.astype(np.uint8), SIZE)))
    truth = BinaryTruth.of(TRUTH, SIZE)
    for output, scores in zip(outputs, swept, strict=True):
        alone = binary_scores(output[0] > 0, truth, clip_distance=100, tol_distance=8)
        assert scores.as_dict() == pytest.approx({f"mito__{k}": v for k, v in alone.items()}, nan_ok=True)
    f1 = [scores.value("f1_score") for scores in swept]
    assert f1[0] == 1 > f1[1] > f1[2]


def predicted(truth):
    """A prediction above 0 where the truth is, more or less."""
    return (np.where(truth, 0.4, -0.4) + RANDOM.normal(0, 0.3, truth.shape)).astype(np.float32)


def test_all_thresholds_of_a_prediction_are_judged_as_if_alone(make_array):
    evaluator = BinarySegmentationEvaluator("100 nm", 8, ("a", "b"), headline=("f1_score", "hausdorff"))
    truth, mask = np.stack([TRUTH, ~TRUTH]), RANDOM.random((2, *TRUTH.shape)) > 0.2
    levels, array = LevelSets(predicted(truth), (0.3, -2.0, 0.0, 5.0, 0.0)), make_array(truth, SIZE)
    swept = list(evaluator.sweep(levels, array, mask))
    alone = list(evaluator.sweep(list(levels), array, mask))
    for fast, slow in zip(swept, alone, strict=True):
        assert fast.as_dict() == pytest.approx(slow.as_dict(), rel=1e-9, nan_ok=True)


def test_distances_are_measured_where_a_channel_or_the_mean_is_best(make_array):
    evaluator = BinarySegmentationEvaluator(100, 8, ("a", "b"), headline=("f1_score",))
    truth = np.stack([TRUTH, ~TRUTH])
    prediction = predicted(truth)
    prediction[1] += 1
    swept = list(evaluator.sweep(LevelSets(prediction, (-9.0, -1.0, 0.0, 0.5, 1.0, 2.0)), make_array(truth, SIZE)))
    best = {}
    for name in ("a__f1_score", "b__f1_score", "f1_score"):
        values = [scores.value(name) for scores in swept]
        best[name] = values.index(max(values))
    assert (best["a__f1_score"], best["b__f1_score"]) == (2, 4)
    for name in ("a__hausdorff", "b__hausdorff", "hausdorff", "mean_false_distance"):
        undefined = [math.isnan(scores.value(name)) for scores in swept]
        assert undefined == [position not in best.values() for position in range(6)], name


def test_the_headline_names_any_criteria(make_array):
    for criterion in BinarySegmentationEvaluator(1, 1, ("a",)).score.channel_scores[0][1].criteria:
        evaluator = BinarySegmentationEvaluator(40, 8, ["a"], headline=[criterion])
        assert evaluator.criteria == [f"a__{criterion}"]
        (scores,) = evaluator.sweep(LevelSets(predicted(TRUTH)[None], (0.0,)), make_array(TRUTH, SIZE))
        assert not math.isnan(scores.value(criterion))
    for headline in (("f1",), ()):
        with pytest.raises(ConfigError, match=r"headline: .*f1_score"):
            BinarySegmentationEvaluator(40, 8, ("a",), headline=headline)


def test_a_sweep_without_anything_to_find(evaluator, make_array):
    nothing = make_array(np.zeros(TRUTH.shape, np.uint8), SIZE)
    empty, full = evaluator.sweep(LevelSets(predicted(TRUTH)[None], (9.0, -9.0)), nothing)
    assert empty.value("mito__hausdorff") == empty.value("mito__voi") == 0
    assert math.isnan(empty.value("mito__f1_score"))
    assert full.value("mito__f1_score") == 0


def test_what_is_not_a_number_is_neither_foreground_nor_background(evaluator, make_array):
    prediction = predicted(TRUTH)[None]
    prediction[0, 2, 3, 4] = math.nan
    for outputs in (LevelSets(prediction, (0.0, 0.1)), [prediction]):
        with pytest.raises(DataError, match=r"1 voxels that are NaN.*checkpoint"):
            list(evaluator.sweep(outputs, make_array(TRUTH, SIZE)))
    with pytest.raises(DataError, match="NaN"):
        evaluator.evaluate(make_array(prediction, SIZE), make_array(TRUTH, SIZE))


def test_blocks_are_judged_as_the_whole(make_array):
    truth = np.stack([TRUTH, ~TRUTH])
    output, mask = noisy(truth, 0.1), RANDOM.random((1, *TRUTH.shape)) > 0.2
    arrays = [make_array(side.astype(np.uint8), SIZE, (100, 8, 4)) for side in (output, truth, mask)]
    (expected,) = BinarySegmentationEvaluator(100, 8, ("a", "b")).sweep([output], arrays[1], mask)
    for voxels in (30, 300, 10_000):
        evaluator = BinarySegmentationEvaluator(100, 8, ("a", "b"), block_voxels=voxels)
        scores = evaluator.evaluate(*arrays)
        assert scores.as_dict() == pytest.approx(expected.as_dict(), rel=1e-9, nan_ok=True)


def test_labels_are_judged_block_by_block_with_a_mask_that_covers_a_part(make_array):
    truth = RANDOM.integers(0, 3, (6, 12, 14)).astype(np.uint64)
    output = np.where(RANDOM.random(truth.shape) > 0.2, truth, RANDOM.integers(0, 3, truth.shape)).astype(np.uint8)
    mask = np.ones((3, 12, 14), np.uint8)
    covered = np.zeros(truth.shape, bool)
    covered[3:] = True
    classes = ("background", "cell", "wall")
    (expected,) = BinarySegmentationEvaluator(None, None, classes, labels=True).sweep(
        [output[None]], make_array(truth, SIZE), covered
    )
    evaluator = BinarySegmentationEvaluator(None, None, classes, labels=True, block_voxels=100)
    scores = evaluator.evaluate(
        make_array(output[None], SIZE), make_array(truth, SIZE), make_array(mask, SIZE, (150, 0, 0))
    )
    assert scores.as_dict() == pytest.approx(expected.as_dict(), rel=1e-9, nan_ok=True)


def test_each_channel_is_judged_within_its_mask(make_array):
    evaluator = BinarySegmentationEvaluator(40, 8, ("a", "b"))
    truth, masks = np.stack([TRUTH, TRUTH]), np.zeros((2, *TRUTH.shape), bool)
    masks[0, :3] = masks[1, 3:] = True
    output = truth ^ ~masks
    (scores,) = evaluator.sweep([output], make_array(truth, SIZE), masks)
    assert scores.value("a__f1_score") == scores.value("b__f1_score") == 1
    (scores,) = evaluator.sweep([output], make_array(truth, SIZE), masks[::-1])
    assert scores.value("a__f1_score") == scores.value("b__f1_score") == 0
    for mask in (np.ones((3, *TRUTH.shape)), np.ones((6, 12, 13))):
        with pytest.raises(DataError, match="the mask has shape"):
            list(evaluator.sweep([output], make_array(truth, SIZE), mask))


def test_instance_labels_are_foreground_whatever_their_size(evaluator, make_array):
    instances = np.where(TRUTH, np.uint64(256), np.uint64(0))
    instances[3:][TRUTH[3:]] = 2**60
    for truth in (instances, instances[None]):
        scores = evaluator.evaluate(make_array(TRUTH[None].astype(np.uint8), SIZE), make_array(truth, SIZE))
        assert scores.value("mito__dice") == 1


def test_channels_are_judged_apart(make_array):
    evaluator = BinarySegmentationEvaluator(40, 8, ("a", "b"))
    truth = np.stack([TRUTH, ~TRUTH])
    output = np.stack([TRUTH, TRUTH]).astype(np.uint8)
    (scores,) = evaluator.sweep([output], make_array(truth.astype(np.uint8), SIZE))
    assert (scores.value("a__f1_score"), scores.value("b__f1_score")) == (1, 0)
    assert scores.value("f1_score") == 0.5


def test_labels_are_judged_class_by_class(make_array):
    evaluator = BinarySegmentationEvaluator(None, None, ("background", "cell", "wall"), labels=True)
    truth = RANDOM.integers(0, 3, (6, 12, 14)).astype(np.uint8)
    output = np.where(truth == 2, 1, truth)
    (scores,) = evaluator.sweep([output], make_array(truth[None], SIZE))
    assert scores.value("background__f1_score") == 1
    assert scores.value("cell__recall") == 1
    assert scores.value("cell__precision") == pytest.approx((truth == 1).sum() / (truth > 0).sum())
    assert scores.value("wall__f1_score") == 0
    assert math.isnan(scores.value("wall__precision"))


def test_labels_of_no_class_are_refused_where_they_count(make_array):
    evaluator = BinarySegmentationEvaluator(None, None, ("background", "cell"), labels=True)
    truth, mask = np.zeros((4, 6, 6), np.uint8), np.ones((2, 4, 6, 6), np.uint8)
    truth[1:, 2:], truth[3, 5, 5] = 1, 255
    output, gt = make_array(truth % 255, SIZE), make_array(truth, SIZE)
    for judge in (evaluator.evaluate, lambda output, gt, mask: next(evaluator.sweep([output.data], gt, mask.data))):
        with pytest.raises(DataError, match=r"labels \[255\].*2 classes.*background, cell"):
            judge(output, gt, make_array(mask, SIZE))
    mask[1, 3, 5, 5] = 0
    (scores,) = evaluator.sweep([output.data], gt, mask)
    assert scores == evaluator.evaluate(output, gt, make_array(mask, SIZE))
    assert scores.value("cell__f1_score") == 1


def test_distances_default_to_voxels_and_are_read_in_the_units_of_the_array(make_array):
    truth, output = np.zeros((2, 1, 40, 40), np.uint8)
    truth[:, 10, 10] = 1
    output[:, 10, 13] = 1
    pm = make_array(truth, (50_000, 4_600, 4_600), units="pm")

    def scores_with(clip, tolerance):
        (scores,) = BinarySegmentationEvaluator(clip, tolerance, ("a",)).sweep([output], pm)
        return scores

    near = scores_with("10 nm", "14 nm")
    assert near.value("f1_score_with_tolerance") == 1
    assert near.value("mean_false_distance_clipped") == 10_000
    assert scores_with("0.00001 mm", "0.000014 mm").as_dict() == pytest.approx(near.as_dict(), nan_ok=True)
    far = scores_with("1 um", "13 nm")
    assert far.value("f1_score_with_tolerance") == 0
    assert far.value("mean_false_distance_clipped") == pytest.approx(13_800)
    assert scores_with(None, None).value("f1_score_with_tolerance") == 1


@pytest.mark.parametrize("length", [-40, "-8 nm", 0, float("nan"), "far"])
def test_lengths_are_above_zero(length):
    for options in ({"clip_distance": length, "tol_distance": 8}, {"clip_distance": None, "tol_distance": length}):
        with pytest.raises(ConfigError, match="_distance: "):
            BinarySegmentationEvaluator(channels=["a"], **options)


def test_what_is_masked_does_not_count(evaluator, make_array):
    output = TRUTH.copy()
    output[3:] = ~output[3:]
    mask = np.zeros(TRUTH.shape, np.uint8)
    mask[:3] = 1
    (scores,) = evaluator.sweep([output[None]], make_array(TRUTH, SIZE), mask)
    assert scores.value("f1_score") == 1


def test_a_stored_output_is_judged_against_truth_of_its_region(tmp_path, evaluator, make_array):
    identifier = LocalArrayIdentifier(UPath(tmp_path / "run.zarr"), "output/threshold_0.0")
    roi = Roi((50, 8, 8), (200, 20, 24))
    output = ZarrArray.create_from_array_identifier(
        identifier, ["c", "z", "y", "x"], roi, 1, Coordinate(SIZE), np.dtype(np.uint8), units="nm"
    )
    part = TRUTH[1:5, 1:6, 1:7]
    output[roi] = part[None].astype(np.uint8)
    with pytest.raises(DataError, match=r"covers .* crop both to"):
        evaluator.evaluate(identifier, make_array(TRUTH.astype(np.uint32), SIZE))
    scores = evaluator.evaluate(identifier, make_array(part.astype(np.uint32), SIZE, (50, 8, 8)))
    assert scores.value("mito__jaccard") == 1


def test_what_can_not_be_compared_is_refused(evaluator, make_array):
    truth = make_array(TRUTH.astype(np.uint8), SIZE)
    with pytest.raises(DataError, match="ResampledArray"):
        evaluator.evaluate(make_array(TRUTH, (50, 8, 8)), truth)
    with pytest.raises(DataError, match="check the offsets"):
        evaluator.evaluate(make_array(TRUTH, SIZE, (5000, 0, 0)), truth)
    with pytest.raises(DataError, match="voxel by voxel"):
        list(evaluator.sweep([TRUTH[:, :5]], truth))
    with pytest.raises(DataError, match="BinarizeArray"):
        list(BinarySegmentationEvaluator(1, 1, ("a", "b")).sweep([TRUTH], truth))


def test_what_the_evaluator_knows_of_its_criteria(evaluator):
    assert evaluator.criteria == ["mito__f1_score", "mito__jaccard", "mito__voi"]
    assert evaluator.names == ("mito",)
    assert set(evaluator.criteria) < set(evaluator.score.criteria)
    assert evaluator.higher_is_better("mito__jaccard")
    assert evaluator.bounds("mito__voi") == (0, 2)
    assert evaluator.store_best("f1_score")
    assert evaluator.compare(0.2, 0.1, "f1_score")
    assert evaluator.compare(0.1, 0.2, "mito__voi")
    assert evaluator.compare(0.1, math.nan, "f1_score")
    assert not evaluator.compare(math.nan, 0.1, "f1_score")
    assert not evaluator.compare(math.nan, math.nan, "f1_score")
