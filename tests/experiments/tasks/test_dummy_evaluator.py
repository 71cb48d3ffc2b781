import numpy as np
import pytest

from dalsegno.errors import ConfigError
from dalsegno.experiments.tasks.evaluators.dummy_evaluation_scores import DummyEvaluationScores
from dalsegno.experiments.tasks.evaluators.dummy_evaluator import DummyEvaluator


def test_the_same_output_has_the_same_scores(make_array):
    evaluator, truth = DummyEvaluator(), make_array(np.zeros((2, 2, 2), np.uint8))
    output = np.full((10, 10, 10), 3, np.uint8)
    scores = evaluator.evaluate(make_array(output), truth)
    assert scores == DummyEvaluationScores(frizz_level=0.75, blipp_score=0.25)
    assert list(evaluator.sweep([output, output * 0], truth)) == [scores, DummyEvaluationScores(0.0, 1.0)]


def test_which_way_is_better():
    evaluator = DummyEvaluator()
    assert evaluator.criteria == ["frizz_level", "blipp_score"] == evaluator.score.criteria
    assert evaluator.compare(0.7, 0.6, "frizz_level")
    assert evaluator.compare(0.6, 0.7, "blipp_score")
    assert evaluator.bounds("frizz_level") == evaluator.bounds("blipp_score") == (0, 1)
    assert evaluator.store_best("blipp_score")


def test_scores_come_back_from_plain_values():
    scores = DummyEvaluationScores(0.5, 0.25)
    assert DummyEvaluationScores.from_dict(scores.as_dict()) == scores
    with pytest.raises(ConfigError, match="frizz_level, blipp_score"):
        scores.value("frizz")
