from math import isnan

import numpy as np
import pytest
from funlib.geometry import Coordinate, Roi
from skimage.metrics import variation_of_information
from upath import UPath

from dalsegno.arrays.zarr_array import ZarrArray
from dalsegno.errors import DataError
from dalsegno.experiments.tasks.evaluators import instance_evaluator
from dalsegno.experiments.tasks.evaluators.instance_evaluator import InstanceEvaluator
from dalsegno.store.array_store import LocalArrayIdentifier

SIZE = (50, 4, 4)
TRUTH = np.kron(np.random.default_rng(0).integers(0, 9, (3, 4, 5)), np.ones((2, 3, 3), np.int64)).astype(np.uint64)
BIG = np.where(TRUTH > 0, TRUTH + np.uint64(2**60), 0).astype(np.uint64)


def noisy(truth, share):
    random = np.random.default_rng(1)
    return np.where(random.random(truth.shape) < share, random.integers(0, 9, truth.shape).astype(truth.dtype), truth)


@pytest.fixture
def evaluator():
    return InstanceEvaluator()


def test_a_sweep_scores_each_output_as_if_alone(evaluator, make_array):
    truth = make_array(TRUTH, SIZE)
    outputs = [noisy(TRUTH, share) for share in (0.0, 0.1, 0.5)]
    swept = list(evaluator.sweep([outputs[0], outputs[1][None], outputs[2].astype(np.uint8)], truth))
    for output, scores in zip(outputs, swept, strict=True):
        alone = evaluator.evaluate(make_array(output, SIZE), truth)
        assert scores.as_dict() == pytest.approx(alone.as_dict(), abs=1e-12, nan_ok=True)
        split, merge = variation_of_information(TRUTH, output, ignore_labels=(0,))
        assert (scores.voi_split, scores.voi_merge) == (pytest.approx(split), pytest.approx(merge))
        assert scores.voi == (scores.voi_split + scores.voi_merge) / 2
    assert swept[0].voi == 0 < swept[1].voi < swept[2].voi


def test_background_is_an_object_where_everything_is_segmented(make_array):
    output = noisy(TRUTH, 0.2)
    (scores,) = InstanceEvaluator(background_as_object=True).sweep([output], make_array(TRUTH, SIZE))
    split, merge = variation_of_information(TRUTH, output, ignore_labels=())
    assert (scores.voi_split, scores.voi_merge) == (pytest.approx(split), pytest.approx(merge))
    (without,) = InstanceEvaluator().sweep([output], make_array(TRUTH, SIZE))
    assert without.voi < scores.voi
    assert without.panoptic_quality == scores.panoptic_quality


def test_blocks_are_scored_as_the_whole(evaluator, make_array, monkeypatch):
    output, mask = noisy(BIG, 0.3), np.random.default_rng(2).random(TRUTH.shape) > 0.2
    truth, judged = make_array(BIG[None], SIZE), make_array(mask.astype(np.uint8), SIZE)
    (whole,) = evaluator.sweep([output], truth, mask)
    for voxels in (1, 50, 400):
        monkeypatch.setattr(instance_evaluator, "BLOCK_VOXELS", voxels)
        blockwise = evaluator.evaluate(make_array(output, SIZE), truth, judged)
        assert blockwise.as_dict() == pytest.approx(whole.as_dict(), abs=1e-12)


def test_large_ids_are_ids_like_any_other(evaluator, make_array):
    output = noisy(TRUTH, 0.2)
    (small,) = evaluator.sweep([output], make_array(TRUTH, SIZE))
    (large,) = evaluator.sweep([output * np.uint64(2**56)], make_array(BIG, SIZE))
    assert small.as_dict() == pytest.approx(large.as_dict())


def test_negative_ids_are_background(evaluator, make_array):
    truth, output = np.where(TRUTH == 3, 0, TRUTH).astype(np.int64), noisy(TRUTH, 0.2).astype(np.int64)
    expected = evaluator.evaluate(make_array(output, SIZE), make_array(truth, SIZE))
    negative, absent = np.where(TRUTH == 3, -1, truth), np.where(output == 0, -2, output)
    assert evaluator.evaluate(make_array(absent, SIZE), make_array(negative, SIZE)) == expected
    (scores,) = evaluator.sweep([absent], make_array(negative, SIZE))
    assert scores.as_dict() == pytest.approx(expected.as_dict(), abs=1e-12)


def test_what_is_masked_does_not_count(evaluator, make_array):
    output = TRUTH.copy()
    output[2:] = 1
    mask = np.zeros((2, *TRUTH.shape), np.uint8)
    mask[0] = 1
    mask[1, :2] = 1
    truth = make_array(TRUTH, SIZE)
    (scores,) = evaluator.sweep([output], truth, mask)
    assert scores.voi == 0
    assert scores.average_precision == 1
    assert evaluator.evaluate(make_array(output, SIZE), truth, make_array(mask, SIZE)) == scores


def test_a_mask_ends_where_it_ends(evaluator, make_array):
    output = TRUTH.copy()
    output[2:] = 1
    mask = make_array(np.ones(TRUTH[:2].shape, np.uint8), SIZE)
    assert evaluator.evaluate(make_array(output, SIZE), make_array(TRUTH, SIZE), mask).voi == 0


def test_where_nothing_is_judged_nothing_is_defined(evaluator, make_array):
    (scores,) = evaluator.sweep([TRUTH], make_array(TRUTH, SIZE), np.zeros(TRUTH.shape))
    assert all(isnan(value) for value in scores.as_dict().values())


def test_sections_in_2d_are_scored(evaluator, make_array):
    (scores,) = evaluator.sweep([TRUTH[0]], make_array(TRUTH[0], SIZE[1:]))
    assert scores.voi == 0
    assert evaluator.evaluate(make_array(TRUTH[0], SIZE[1:]), make_array(TRUTH[0], SIZE[1:])) == scores


def test_a_stored_output_is_scored(tmp_path, evaluator, make_array):
    identifier = LocalArrayIdentifier(UPath(tmp_path / "run.zarr"), "output/bias_0.5")
    roi = Roi((0, 0, 0), Coordinate(TRUTH.shape) * Coordinate(SIZE))
    output = ZarrArray.create_from_array_identifier(
        identifier, ["z", "y", "x"], roi, None, Coordinate(SIZE), np.dtype(np.uint64), units="nm"
    )
    output[roi] = BIG
    scores = evaluator.evaluate(identifier, make_array(TRUTH, SIZE))
    assert (scores.voi, scores.panoptic_quality) == (0, 1)


def test_stored_chunks_are_scored_one_by_one_as_the_whole(tmp_path, evaluator, monkeypatch):
    monkeypatch.setattr("dalsegno.experiments.tasks.evaluators.instance_evaluator.CHUNK_VOXELS", 1)
    generator = np.random.default_rng(0)
    arrays = []
    for name, write_size in (("truth", (4, 8, 8)), ("test", (8, 4, 16))):
        roi, size = Roi((80, 8, 8), (400, 68, 76)), Coordinate(40, 4, 4)
        array = ZarrArray.create_from_array_identifier(
            LocalArrayIdentifier(UPath(tmp_path / "a.zarr"), name),
            ["z", "y", "x"],
            roi,
            None,
            size,
            np.uint64,
            write_size=Coordinate(write_size) * size,
            units="nm",
        )
        array[roi] = generator.integers(0, 4, (10, 17, 19), dtype=np.uint64)
        arrays.append(array)
    assert all(array.chunk_shape is not None and array.chunk_shape != (10, 17, 19) for array in arrays)
    truth, test = arrays
    (whole,) = evaluator.sweep([test[test.roi]], truth)
    assert evaluator.evaluate(test, truth).as_dict() == pytest.approx(whole.as_dict(), abs=1e-12, nan_ok=True)


def test_what_can_not_be_compared_is_refused(evaluator, make_array):
    truth = make_array(TRUTH, SIZE)
    with pytest.raises(DataError, match="dtype float32, but segments are integers"):
        list(evaluator.sweep([TRUTH.astype(np.float32)], truth))
    with pytest.raises(DataError, match="one channel of ids"):
        list(evaluator.sweep([np.stack([TRUTH, TRUTH])], truth))
    with pytest.raises(DataError, match="voxel by voxel"):
        list(evaluator.sweep([TRUTH[:2]], truth))
    for wrong, words in ((TRUTH.astype(np.float32), "labels are integers"), (np.stack([TRUTH, TRUTH]), "2 channels")):
        with pytest.raises(DataError, match=words):
            list(evaluator.sweep([TRUTH], make_array(wrong, SIZE)))
        with pytest.raises(DataError, match=words):
            evaluator.evaluate(truth, make_array(wrong, SIZE))
    with pytest.raises(DataError, match="ResampledArray"):
        evaluator.evaluate(make_array(TRUTH, (50, 8, 8)), truth)
    with pytest.raises(DataError, match="crop both to"):
        evaluator.evaluate(make_array(TRUTH[1:], SIZE, (50, 0, 0)), truth)


def test_what_the_evaluator_knows_of_its_criteria(evaluator):
    assert evaluator.criteria == ["voi_merge", "voi_split", "voi", "adapted_rand_error"]
    assert set(evaluator.criteria) < set(evaluator.score.criteria)
    assert evaluator.primary == "voi"
    assert not evaluator.higher_is_better("voi")
    assert evaluator.compare(0.1, 0.2, "voi_split")
    assert evaluator.store_best("voi_merge")
