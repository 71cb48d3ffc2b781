"""What is best is a function of the score rows that an evaluator is given."""

import json
from math import isnan, nan
from types import SimpleNamespace

import numpy as np
import pytest
from attrs import frozen
from funlib.geometry import Coordinate

from dalsegno.arrays.numpy_array import NumpyArray
from dalsegno.errors import DataError
from dalsegno.experiments.tasks.evaluators.binary_segmentation_evaluator import BinarySegmentationEvaluator
from dalsegno.experiments.tasks.evaluators.instance_evaluation_scores import InstanceEvaluationScores
from dalsegno.experiments.tasks.evaluators.instance_evaluator import InstanceEvaluator
from dalsegno.experiments.tasks.post_processors.post_processor_parameters import PostProcessorParameters
from dalsegno.experiments.validation_scores import BestScore, ValidationScores, output_identifier


@frozen
class Setting(PostProcessorParameters):
    bias: float
    context: Coordinate


LOW, HIGH = Setting(0, 0.1, Coordinate(8, 32, 32)), Setting(1, 0.9, Coordinate(8, 32, 32))


def record(iteration, *rows):
    scores = [
        {"dataset": dataset, "parameters": setting.as_dict(), "scores": {"voi": voi, "panoptic_quality": quality}}
        for dataset, setting, voi, quality in rows
    ]
    return {
        "iteration": iteration,
        "higher_is_better": {"voi": False, "panoptic_quality": True},
        "rows": scores,
    }


# as the store gives them back
RECORDS = json.loads(
    json.dumps(
        [
            record(10, ("a", LOW, 0.5, 0.2), ("a", HIGH, 0.3, None), ("b", LOW, 1.0, 0.1)),
            record(20, ("a", LOW, 0.4, 0.6), ("a", HIGH, 0.3, None), ("b", LOW, None, 0.1)),
        ]
    )
)


@pytest.fixture
def evaluator():
    evaluator = InstanceEvaluator()
    evaluator.set_best(ValidationScores.from_records(RECORDS))
    return evaluator


def test_nothing_is_best_before_there_are_scores():
    evaluator = InstanceEvaluator()
    assert evaluator.best_scores == {}
    assert evaluator.get_overall_best("a", "voi") is None
    assert evaluator.get_overall_best_parameters("a", "voi") is None
    assert evaluator.is_best("a", LOW, "voi", 3.0)
    assert not evaluator.is_best("a", LOW, "voi", nan)


def test_best_scores_are_those_of_each_dataset_and_setting(evaluator):
    best = {key: score for key, score in evaluator.best_scores.items() if key[2] == "voi"}
    assert best == {
        output_identifier("a", LOW.as_dict(), "voi"): BestScore(20, 0.4),
        output_identifier("a", HIGH.as_dict(), "voi"): BestScore(10, 0.3),
        output_identifier("b", LOW.as_dict(), "voi"): BestScore(10, 1.0),
    }


def test_a_score_is_best_if_it_beats_those_of_its_dataset_and_setting(evaluator):
    assert evaluator.is_best("a", LOW, "voi", 0.35)
    assert not evaluator.is_best("a", HIGH, "voi", 0.35)
    assert evaluator.is_best("b", LOW, "voi", 0.35)
    assert not evaluator.is_best("a", LOW, "voi", 0.4)
    assert not evaluator.is_best("a", LOW, "voi", nan)
    assert evaluator.is_best("a", LOW, "panoptic_quality", 0.7)
    assert not evaluator.is_best("a", LOW, "panoptic_quality", 0.5)
    assert evaluator.is_best("a", HIGH, "panoptic_quality", 0.0)
    assert evaluator.is_best("c", LOW, "voi", 9.0)


def test_datasets_and_scores_may_be_given_themselves(evaluator):
    dataset = SimpleNamespace(name="a")
    assert evaluator.is_best(dataset, LOW, "voi", InstanceEvaluationScores(voi_split=0.1, voi_merge=0.2))
    assert not evaluator.is_best(dataset, LOW, "voi", InstanceEvaluationScores(voi_split=0.5, voi_merge=0.5))
    assert evaluator.get_overall_best(dataset, "voi") == 0.3


def test_the_overall_best_is_over_iterations_and_settings(evaluator):
    assert evaluator.get_overall_best("a", "voi") == 0.3
    assert evaluator.get_overall_best("a", "panoptic_quality") == 0.6
    assert evaluator.get_overall_best("b", "voi") == 1.0
    assert evaluator.get_overall_best_parameters("a", "voi") == {"id": 1, "bias": 0.9, "context": [8, 32, 32]}
    assert evaluator.get_overall_best_parameters("a", "panoptic_quality")["bias"] == 0.1


def test_scores_replace_those_given_before(evaluator):
    evaluator.set_best(ValidationScores.from_records(RECORDS[:1]))
    assert evaluator.get_overall_best("a", "panoptic_quality") == 0.2
    assert InstanceEvaluator().best_scores == {}


def test_criteria_of_channels_have_their_best_too():
    evaluator = BinarySegmentationEvaluator(10, 2, ("mito", "er"))
    scores = {"mito__f1_score": 0.5, "er__f1_score": 0.7}
    rows = [{"dataset": "a", "parameters": LOW.as_dict(), "scores": scores}]
    evaluator.set_best(
        ValidationScores.from_records([{"iteration": 5, "higher_is_better": dict.fromkeys(scores, True), "rows": rows}])
    )
    assert evaluator.get_overall_best("a", "er__f1_score") == 0.7
    assert evaluator.get_overall_best("a", "f1_score") == pytest.approx(0.6)
    assert evaluator.is_best("a", LOW, "mito__f1_score", 0.6)
    assert not evaluator.is_best("a", LOW, "f1_score", 0.55)


def test_there_are_no_scores_of_no_voxels(make_array):
    nothing = make_array(np.ones((0, 4), np.uint8), (8, 8))
    for evaluator in (InstanceEvaluator(), BinarySegmentationEvaluator(10, 2, ("mito",))):
        with pytest.raises(DataError, match="no voxel"):
            evaluator.evaluate(nothing, nothing)
        (scores,) = evaluator.sweep([nothing.data], nothing)
        assert all(isnan(value) for value in scores.as_dict().values())


def test_axes_in_another_order_are_refused(make_array):
    labels = make_array(np.ones((4, 4), np.uint8), (8, 8))
    turned = NumpyArray.from_np_array(labels.data, labels.roi, labels.voxel_size, ["x", "y"], units="nm")
    for evaluator in (InstanceEvaluator(), BinarySegmentationEvaluator(10, 2, ("mito",))):
        with pytest.raises(DataError, match="output has the axes x, y, the ground truth y, x"):
            evaluator.evaluate(turned, labels)
        with pytest.raises(DataError, match="mask has the axes x, y"):
            evaluator.evaluate(labels, labels, turned)
        with pytest.raises(DataError, match="mask has the axes z, y, x, the ground truth y, x"):
            evaluator.evaluate(labels, labels, make_array(np.ones((1, 4, 4), np.uint8)))


def test_a_mask_of_other_voxels_is_refused(make_array):
    labels = make_array(np.ones((4, 4), np.uint8), (8, 8))
    for evaluator in (InstanceEvaluator(), BinarySegmentationEvaluator(10, 2, ("mito",))):
        with pytest.raises(DataError, match="mask has voxels of"):
            evaluator.evaluate(labels, labels, make_array(np.ones((8, 8), np.uint8), (4, 4)))
        with pytest.raises(DataError, match="mask begins at"):
            evaluator.evaluate(labels, labels, make_array(np.ones((8, 8), np.uint8), (8, 8), (-4, 0)))
        with pytest.raises(DataError, match="mask has voxels of"):
            evaluator.evaluate(labels, labels, make_array(np.ones((4, 4), np.uint8), (8, 8), units="um"))
