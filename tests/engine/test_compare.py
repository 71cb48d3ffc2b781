"""What runs have achieved, where criteria have no channels and less is better."""

import json
import sys
from math import nan

import pytest

from dalsegno.cli import main
from dalsegno.engine.compare import best_scores, common_criterion, curves, judged_alike, read_run, summary
from dalsegno.errors import ConfigError
from dalsegno.experiments.tasks.evaluators.instance_evaluation_scores import InstanceEvaluationScores
from dalsegno.experiments.tasks.evaluators.instance_evaluator import InstanceEvaluator
from dalsegno.store.options import load_options
from dalsegno.store.stores import open_stores

SCORES = InstanceEvaluationScores()


def row(dataset, bias, split, merge):
    scores = InstanceEvaluationScores(voi_split=split, voi_merge=merge, adapted_rand_error=0.5)
    return {"dataset": dataset, "parameters": {"id": round(bias * 10), "bias": bias}, "scores": scores.as_dict()}


@pytest.fixture
def stores(tmp_path):
    """A store with the run `cells`: scores of two datasets at two iterations, two settings each."""
    stores = open_stores(load_options(store=str(tmp_path / "store")))
    config = {"num_iterations": 20, "datasplit_config": {"validate_configs": [{}]}}
    stores.configs.put("runs", "cells", config)
    stores.stats.append_training("cells", [{"iteration": i, "loss": 1.0, "time": 0.1} for i in range(20)])
    validations = {
        10: [row("a", 0.1, 1.0, 1.0), row("a", 0.5, 0.2, 0.2), row("b", 0.1, 0.4, 0.4), row("b", 0.5, nan, nan)],
        20: [row("a", 0.1, 0.0, 0.8), row("a", 0.5, 0.6, 0.2), row("b", 0.1, 0.0, 0.6), row("b", 0.5, 0.9, 0.9)],
    }
    evaluator = InstanceEvaluator()
    for iteration, rows in validations.items():
        better = {criterion: SCORES.higher_is_better(criterion) for criterion in SCORES.criteria}
        headline = [evaluator.primary, *evaluator.criteria]
        stores.stats.append_scores(
            "cells", {"iteration": iteration, "higher_is_better": better, "headline": headline, "rows": rows}
        )
    return stores


def test_the_least_variation_of_information_is_best(stores):
    best = best_scores(stores, ["cells"], "voi")
    assert best == [
        {"run": "cells", "dataset": "a", "iteration": 10, "bias": 0.5, "voi": 0.2},
        {"run": "cells", "dataset": "b", "iteration": 20, "bias": 0.1, "voi": 0.3},
        {"run": "cells", "dataset": "all datasets", "iteration": 20, "bias": 0.1, "voi": pytest.approx(0.35)},
    ]


def test_a_run_is_summed_up_by_what_its_evaluator_puts_first(stores):
    line = summary(stores, "cells")
    assert list(line)[5:] == ["voi", "voi_merge", "voi_split", "adapted_rand_error"]
    assert (line["voi"], line["voi_split"]) == (pytest.approx(0.35), 0)
    assert read_run(stores, "cells").primary == "voi"


def test_curves_show_the_best_setting_at_each_validation(stores):
    iterations, losses, lines = curves(stores, "cells", "voi")
    assert len(iterations) == len(losses) == 20
    assert lines == {
        "a": [(10, pytest.approx(0.2)), (20, pytest.approx(0.4))],
        "b": [(10, pytest.approx(0.4)), (20, pytest.approx(0.3))],
    }


def test_a_criterion_that_the_run_lacks_is_named(stores):
    with pytest.raises(ConfigError, match=r"'cells'.*no criterion 'f1_score'.*voi_split"):
        best_scores(stores, ["cells"], "f1_score")


def test_commands_choose_by_the_variation_of_information(stores, capsys, tmp_path, monkeypatch):
    command = ["dalsegno", "compare", "cells", "--store", str(stores.root), "--json"]
    monkeypatch.setattr(sys, "argv", [*command, "--plot", str(tmp_path / "curves.png")])
    with pytest.raises(SystemExit, match="0"):
        main()
    assert [line["iteration"] for line in json.loads(capsys.readouterr().out)] == [10, 20, 20]
    assert (tmp_path / "curves.png").stat().st_size > 1000


def test_runs_of_different_tasks_are_compared_by_what_they_share(stores):
    cells = read_run(stores, "cells")
    stores.configs.put("runs", "discs", cells.config)
    assert common_criterion([cells, read_run(stores, "discs")]) == "voi", "what has no scores yet does not count"
    scores = {"a__f1_score": 0.5, "a__dice": 0.5}
    record = {"iteration": 1, "higher_is_better": dict.fromkeys(scores, True), "headline": ["f1_score"]}
    stores.stats.append_scores(
        "discs", record | {"rows": [{"dataset": "a", "parameters": {"id": 0}, "scores": scores}]}
    )
    records = [cells, read_run(stores, "discs")]
    assert not judged_alike(records)
    assert judged_alike([cells, cells])
    with pytest.raises(ConfigError, match=r"cells by voi, discs by f1_score.*they share no criterion"):
        common_criterion(records)
    assert common_criterion(records[1:]) == "f1_score"
