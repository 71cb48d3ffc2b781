from math import isnan, nan

import pytest
from attrs import evolve

from dalsegno.components import find_class
from dalsegno.errors import ConfigError
from dalsegno.experiments.tasks.evaluators.binary_segmentation_evaluation_scores import (
    BinarySegmentationEvaluationScores,
)
from dalsegno.experiments.tasks.evaluators.instance_evaluation_scores import InstanceEvaluationScores
from dalsegno.experiments.tasks.evaluators.multi_channel_binary_segmentation_evaluation_scores import (
    MultiChannelBinarySegmentationEvaluationScores,
)
from dalsegno.experiments.validation_scores import ValidationScores

BINARY = BinarySegmentationEvaluationScores(dice=0.5, f1_score=0.5, recall=0.5, hausdorff=20.0)
MULTI = MultiChannelBinarySegmentationEvaluationScores(
    (
        ("cell__wall", BINARY),
        ("mito", BinarySegmentationEvaluationScores(f1_score=1.0, recall=1.0)),
    )
)


def test_there_are_21_criteria_undefined_until_computed():
    scores = BinarySegmentationEvaluationScores()
    assert len(scores.criteria) == 21
    assert scores.criteria[:3] == ["dice", "jaccard", "hausdorff"]
    assert all(isnan(value) for value in scores.as_dict().values())


def test_which_way_is_better_and_how_far_it_goes():
    scores = BinarySegmentationEvaluationScores
    better = [criterion for criterion in BINARY.criteria if scores.higher_is_better(criterion)]
    assert better == [
        "dice",
        "jaccard",
        "precision_with_tolerance",
        "recall_with_tolerance",
        "f1_score_with_tolerance",
        "precision",
        "recall",
        "f1_score",
    ]
    assert [criterion for criterion in BINARY.criteria if scores.store_best(criterion)] == ["voi", "f1_score"]
    assert scores.bounds("dice") == (0, 1)
    assert scores.bounds("voi") == (0, 2)
    unbounded = [criterion for criterion in BINARY.criteria if isnan(scores.bounds(criterion)[1])]
    assert unbounded == ["hausdorff", *(name for name in BINARY.criteria if name.startswith("mean_false"))]


def test_scores_come_back_from_plain_values():
    assert BinarySegmentationEvaluationScores.from_dict(BINARY.as_dict()).as_dict() == pytest.approx(
        BINARY.as_dict(), nan_ok=True
    )
    again = MultiChannelBinarySegmentationEvaluationScores.from_dict(MULTI.as_dict())
    assert [name for name, _ in again.channel_scores] == ["cell__wall", "mito"]
    assert again.as_dict() == pytest.approx(MULTI.as_dict(), nan_ok=True)
    assert isnan(BinarySegmentationEvaluationScores.from_dict({"dice": 1.0}).voi)


def test_criteria_of_channels():
    assert MULTI.criteria[0] == "cell__wall__dice"
    assert len(MULTI.criteria) == 42
    assert MULTI.value("mito__f1_score") == 1
    assert MULTI.value("cell__wall__hausdorff") == 20
    assert MULTI.higher_is_better("mito__f1_score")
    assert MULTI.store_best("cell__wall__voi")
    assert MULTI.bounds("mito__jaccard") == (0, 1)


def test_without_a_channel_it_is_the_mean_as_it_is_in_what_is_best():
    absent = BinarySegmentationEvaluationScores(f1_score=0.0, hausdorff=nan)
    for scores in (MULTI, evolve(MULTI, channel_scores=(*MULTI.channel_scores, ("er", absent)))):
        record = {"iteration": 1, "higher_is_better": {"voi": False}}
        rows = [{"dataset": "a", "parameters": {}, "scores": scores.as_dict()}]
        (row,) = ValidationScores.from_records([record | {"rows": rows}]).rows
        assert scores.value("f1_score") == row.value("f1_score") == 0.75
        assert isnan(scores.value("hausdorff"))
        assert isnan(row.value("hausdorff"))
    with pytest.raises(ConfigError, match=r"'f2'.*f1_score"):
        MULTI.value("f2")


def test_what_is_not_there_is_named():
    with pytest.raises(ConfigError, match=r"'f2'.*f1_score"):
        BINARY.value("f2")
    with pytest.raises(ConfigError, match=r"'er'.*cell__wall, mito"):
        MULTI.value("er__dice")
    with pytest.raises(ConfigError, match="'f2'"):
        BinarySegmentationEvaluationScores.from_dict({"f2": nan})
    with pytest.raises(ConfigError, match=r"'dice' names no channel.*<channel>__dice"):
        MultiChannelBinarySegmentationEvaluationScores.from_dict({"dice": 0.5})


INSTANCES = InstanceEvaluationScores(voi_split=0.1, voi_merge=0.2, average_precision=0.5)


def test_criteria_of_instances_begin_with_the_variation_of_information():
    assert INSTANCES.criteria[:4] == ["voi_split", "voi_merge", "voi", "adapted_rand_error"]
    assert INSTANCES.voi == INSTANCES.value("voi") == pytest.approx(0.15)
    assert all(isnan(value) for value in InstanceEvaluationScores().as_dict().values())


def test_which_way_is_better_for_instances_and_how_far_it_goes():
    scores = InstanceEvaluationScores
    worse = [criterion for criterion in INSTANCES.criteria if not scores.higher_is_better(criterion)]
    assert worse == ["voi_split", "voi_merge", "voi", "adapted_rand_error", "cremi_score"]
    unbounded = [criterion for criterion in INSTANCES.criteria if isnan(scores.bounds(criterion)[1])]
    assert unbounded == ["voi_split", "voi_merge", "voi", "cremi_score"]
    assert scores.bounds("adapted_rand_error") == scores.bounds("average_precision_50") == (0, 1)
    stored = {criterion for criterion in INSTANCES.criteria if scores.store_best(criterion)}
    assert stored >= {"voi_split", "voi_merge", "voi", "adapted_rand_error", "panoptic_quality"}
    assert not stored & {"adapted_rand_precision", "adapted_rand_recall", "segmentation_quality"}


def test_scores_of_instances_come_back_from_plain_values():
    again = InstanceEvaluationScores.from_dict(INSTANCES.as_dict())
    assert again.as_dict() == pytest.approx(INSTANCES.as_dict(), nan_ok=True)
    with pytest.raises(ConfigError, match=r"'rand'.*adapted_rand_error"):
        INSTANCES.value("rand")
    with pytest.raises(ConfigError, match="'rand'"):
        InstanceEvaluationScores.from_dict({"rand": 1.0})


def test_scores_are_found_by_name():
    for scores in (
        InstanceEvaluationScores,
        BinarySegmentationEvaluationScores,
        MultiChannelBinarySegmentationEvaluationScores,
    ):
        assert find_class(scores.__name__) is scores
