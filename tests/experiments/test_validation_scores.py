"""Best is a function of the score rows."""

import json
import math

import pytest
from funlib.geometry import Coordinate

from dalsegno.errors import ConfigError
from dalsegno.experiments.validation_scores import BestScore, ValidationScores, output_identifier


def record(iteration, rows):
    return {
        "iteration": iteration,
        "higher_is_better": {"a__f1_score": True, "b__f1_score": True, "a__voi": False, "b__voi": False},
        "rows": [
            {
                "dataset": dataset,
                "parameters": {"id": setting, "threshold": setting / 10},
                "scores": {"a__f1_score": f1, "b__f1_score": f1, "a__voi": voi, "b__voi": voi},
            }
            for dataset, setting, f1, voi in rows
        ],
    }


SCORES = ValidationScores.from_records(
    [
        record(10, [("x", 0, 0.5, 1.0), ("x", 1, 0.7, None), ("y", 0, 0.6, 0.5), ("y", 1, 0.2, 0.9)]),
        record(20, [("x", 0, 0.7, 0.4), ("x", 1, None, 0.6), ("y", 0, 0.5, 0.8), ("y", 1, 0.9, 0.7)]),
    ]
)


def test_best_of_a_dataset_is_the_earliest_of_equals():
    best = SCORES.best("f1_score", "x")
    assert (best.iteration, best.parameters["id"]) == (10, 1)


def test_lower_is_better_where_the_criterion_says_so():
    best = SCORES.best("voi", "x")
    assert (best.iteration, best.parameters["id"]) == (20, 0)
    assert not SCORES.higher("voi")
    assert SCORES.higher("a__f1_score")


def test_best_over_datasets_takes_one_setting_for_all():
    best = SCORES.best("f1_score")
    assert (best.iteration, best.parameters["id"]) == (20, 0)
    assert best.value("f1_score") == pytest.approx(0.6)


def test_undefined_scores_never_win():
    undefined = ValidationScores.from_records([record(10, [("x", 0, None, None)])])
    assert undefined.best("f1_score", "x") is None
    assert math.isnan(undefined.rows[0].value("f1_score"))


def test_an_unknown_criterion_names_the_known_ones():
    with pytest.raises(ConfigError, match="f1_score"):
        SCORES.best("f1")


def channels(iteration, a, b, c=None):
    scores = {"a__f1_score": a, "b__f1_score": b, "c__f1_score": c}
    rows = [{"dataset": "x", "parameters": {"id": 0}, "scores": scores}]
    return {"iteration": iteration, "higher_is_better": dict.fromkeys(scores, True), "rows": rows}


def test_a_mean_over_fewer_channels_never_wins():
    scores = ValidationScores.from_records([channels(10, 0.9, 0.9), channels(20, 0.99, None)])
    assert scores.best("f1_score").iteration == 10


def test_a_channel_that_is_undefined_everywhere_does_not_hide_the_others():
    scores = ValidationScores.from_records([channels(10, 0.5, 0.7), channels(20, 0.7, 0.7)])
    assert scores.best("f1_score").iteration == 20
    assert scores.rows[0].value("f1_score") == pytest.approx(0.6)


def judged(iteration, **datasets):
    """F1 and recall of two channels on each dataset; without recall the truth has nothing of the channel."""
    names = ["mito__f1_score", "mito__recall", "er__f1_score", "er__recall"]
    rows = [
        {"dataset": name, "parameters": {"id": 0}, "scores": dict(zip(names, scores, strict=True))}
        for name, scores in datasets.items()
    ]
    return {"iteration": iteration, "higher_is_better": dict.fromkeys(names, True), "rows": rows}


@pytest.mark.parametrize("false_positives", [0.0, None])
def test_a_dataset_without_a_channel_has_no_say_about_it(false_positives):
    early = judged(100, a=(0.3, 0.3, 0.3, 0.3), b=(0.3, 0.3, false_positives, None))
    late = judged(200, a=(0.9, 0.9, 0.7, 0.7), b=(0.5, 0.5, None, None))
    scores = ValidationScores.from_records([early, late])
    for criterion in ("f1_score", "er__f1_score"):
        for dataset in ("a", None):
            assert scores.best(criterion, dataset).iteration == 200
    assert scores.best("f1_score").value("f1_score") == pytest.approx(0.7)
    assert scores.best("er__f1_score").value("er__f1_score") == 0.7
    assert scores.best("f1_score", "b").value("f1_score") == 0.5
    assert scores.best("er__f1_score", "b") is None


def test_a_dataset_without_anything_to_find_has_no_say():
    scores = ValidationScores.from_records(
        [
            judged(10, a=(0.3, 0.3, None, None), b=(0.0, None, 0.0, None)),
            judged(20, a=(0.4, 0.4, 0.0, None), b=(None,) * 4),
        ]
    )
    assert scores.best("f1_score").iteration == 20
    assert scores.best("er__f1_score") is scores.best("f1_score", "b") is None


def test_a_channel_that_is_there_but_undefined_does_not_win():
    missed, found = judged(10, a=(0.9, 0.9, None, 0.0)), judged(20, a=(0.5, 0.5, 0.1, 0.1))
    assert ValidationScores.from_records([missed, found]).best("f1_score").iteration == 20
    assert ValidationScores.from_records([missed]).best("f1_score") is None


def test_a_dataset_without_instances_has_no_say():
    def instances(iteration, *rows):
        names = ("voi_split", "voi", "average_precision")
        rows = [
            {"dataset": dataset, "parameters": {}, "scores": dict(zip(names, values, strict=True))}
            for dataset, *values in rows
        ]
        return {"iteration": iteration, "higher_is_better": {"voi": False, "average_precision": True}, "rows": rows}

    scores = ValidationScores.from_records(
        [
            instances(10, ("a", 0.5, 0.5, 0.1), ("b", None, None, 0.0)),
            instances(20, ("a", 0.2, 0.2, 0.4), ("b", None, None, None)),
        ]
    )
    assert scores.best("voi").iteration == scores.best("average_precision").iteration == 20


def test_a_mean_over_fewer_datasets_never_wins():
    scores = ValidationScores.from_records(
        [record(10, [("x", 0, 0.5, 1.0), ("y", 0, 0.5, 1.0)]), record(20, [("x", 0, 0.9, 0.1)])]
    )
    assert scores.best("f1_score").iteration == 10
    assert scores.best("f1_score", "x").iteration == 20


def test_best_of_a_setting():
    assert SCORES.best_of_setting("x", {"id": 0, "threshold": 0.0}, "voi") == BestScore(20, 0.4)
    assert SCORES.best_of_setting("x", {"id": 1, "threshold": 0.1}, "a__f1_score") == BestScore(10, 0.7)
    assert SCORES.best_of_setting("x", {"id": 2, "threshold": 0.2}, "voi") is None


def test_a_setting_is_the_same_after_it_was_stored():
    parameters = {"context": Coordinate(1, 2), "offsets": [(0, 1), (1, 0)], "options": {"b": [1], "a": 2}}
    stored = json.loads(json.dumps({name: parameters[name] for name in reversed(parameters)}))
    assert output_identifier("x", parameters, "voi") == output_identifier("x", stored, "voi")
    assert {output_identifier("x", parameters, "voi"): 1}[output_identifier("x", stored, "voi")]


def test_criteria_that_later_rows_have_or_lack_are_undefined_elsewhere():
    first, second = record(10, [("x", 0, 0.5, 1.0)]), record(20, [("x", 0, 0.6, 0.5)])
    del first["rows"][0]["scores"]["a__voi"]
    second["rows"][0]["scores"]["a__jaccard"] = 0.3
    scores = ValidationScores.from_records([first, second])
    assert scores.best("a__voi").iteration == scores.best("jaccard").iteration == 20
