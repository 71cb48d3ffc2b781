import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dalsegno.errors import ConfigError
from dalsegno.store.stats_store import FileStatsStore


@pytest.fixture
def store(tmp_path):
    return FileStatsStore(tmp_path)


def row(iteration, loss=0.0):
    return {"iteration": iteration, "loss": loss}


def test_rows_come_back_sorted_each_iteration_once(store):
    store.append_training("r", [row(1), row(0)])
    store.append_training("r", [row(2, 1.0), row(1, 2.0)])
    assert store.training("r") == [row(0), row(1, 2.0), row(2, 1.0)]
    assert store.training("other") == []
    assert store.last_training("other") is None


def test_the_scores_written_last_count(store):
    store.append_scores("r", {"iteration": 20, "scores": [{"f1": math.nan}]})
    store.append_scores("r", {"iteration": 10, "scores": []})
    store.append_scores("r", {"iteration": 20, "scores": [{"f1": 0.5}]})
    assert store.scores("r") == [{"iteration": 10, "scores": []}, {"iteration": 20, "scores": [{"f1": 0.5}]}]


def test_scores_that_are_not_defined_stay_so(store):
    store.append_scores("r", {"iteration": 1, "f1": math.nan})
    assert math.isnan(store.scores("r")[0]["f1"])


def test_going_on_from_a_checkpoint_voids_what_came_after(store):
    store.append_training("r", [row(iteration, 1.0) for iteration in range(6)])
    for iteration in (2, 4, 6):
        store.append_scores("r", {"iteration": iteration})
    store.rewind("r", 4)
    assert [entry["iteration"] for entry in store.training("r")] == [0, 1, 2, 3]
    assert [entry["iteration"] for entry in store.scores("r")] == [2, 4]
    assert store.last_training("r") == row(3, 1.0)
    store.append_training("r", [row(4, 2.0)])
    assert store.training("r")[4:] == [row(4, 2.0)]
    assert store.last_training("r") == row(4, 2.0)


def test_to_go_on_from_the_end_writes_nothing(store, tmp_path):
    store.append_training("r", [row(0), row(1)])
    store.append_scores("r", {"iteration": 2})
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.jsonl")}
    store.rewind("r", 2)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.jsonl")} == before


def test_a_run_without_rows_can_be_rewound(store, tmp_path):
    store.rewind("r", 0)
    assert store.training("r") == []
    assert list(tmp_path.iterdir()) == []


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(1, 5), st.integers(0, 20)), max_size=6))
def test_interrupted_runs_have_every_row_once(tmp_path_factory, stops):
    store = FileStatsStore(tmp_path_factory.mktemp("stats"))
    done = 0
    for attempt, (steps, back) in enumerate(stops):
        done = max(0, done - back)
        store.rewind("r", done)
        store.append_training("r", [row(done + step, float(attempt)) for step in range(steps)])
        done += steps
        rows = store.training("r")
        assert [entry["iteration"] for entry in rows] == list(range(done))
        assert store.last_training("r") == rows[-1]


def test_a_name_can_not_leave_the_store(store):
    with pytest.raises(ConfigError, match="can't be part of a path"):
        store.append_training("../r", [row(0)])
