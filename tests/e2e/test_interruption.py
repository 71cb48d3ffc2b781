"""A run that is stopped, killed, or started twice loses nothing."""

import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest

from dalsegno.store.options import load_options
from dalsegno.store.stores import open_stores

COMMAND = [sys.executable, "-m", "dalsegno", "run", "discs.yaml", "--set", "num_iterations=120"]


@pytest.fixture
def one_thread(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def start(*more):
    return subprocess.Popen([*COMMAND, *more], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def iterations(folder):
    return [row["iteration"] for row in open_stores(load_options(store=folder)).stats.training("discs")]


def wait_for_iterations(folder, count, process):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        if len(iterations(folder)) >= count:
            return
        time.sleep(0.05)
    raise AssertionError(f"the run did not get to iteration {count}: {process.communicate()[0]}")


def table(folder, dalsegno):
    rows = json.loads(dalsegno("show", "discs", "--store", folder, "--json").out)["scores"]
    return [(row["iteration"], row["dataset"], row["parameters"], row["scores"]) for row in rows]


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread")
def test_killed_at_random_moments_it_ends_as_the_uninterrupted_run(experiment, dalsegno, tmp_path):
    random.seed(0)
    for _ in range(4):
        process = start("--store", "killed")
        time.sleep(random.uniform(4, 9))
        process.send_signal(signal.SIGKILL)
        process.communicate()
    finished = start("--store", "killed")
    out, _ = finished.communicate(timeout=200)
    assert finished.returncode == 0, out
    assert iterations(tmp_path / "killed") == list(range(120))
    whole = start("--store", "whole")
    out, _ = whole.communicate(timeout=200)
    assert whole.returncode == 0, out
    assert table(tmp_path / "killed", dalsegno) == table(tmp_path / "whole", dalsegno)


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_stop_it_keeps_what_it_has_and_goes_on_from_there(experiment, dalsegno, tmp_path, number):
    process = start("--set", "num_iterations=100000", "--set", "validation_interval=100000")
    wait_for_iterations(tmp_path / "store", 5, process)
    process.send_signal(number)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130, out
    stored = iterations(tmp_path / "store")
    assert f"stopped at iteration {len(stored)}" in out
    (row,) = json.loads(dalsegno("runs", "--json").out)
    assert (row["state"], row["iteration"]) == ("stopped", len(stored))


def test_two_processes_never_train_one_run(experiment, dalsegno, tmp_path):
    process = start("--set", "num_iterations=100000", "--set", "validation_interval=100000")
    try:
        wait_for_iterations(tmp_path / "store", 1, process)
        assert json.loads(dalsegno("runs", "--json").out)[0]["state"] == "running"
        second = dalsegno("run", "discs.yaml", "--set", "num_iterations=100000", "--set", "validation_interval=100000")
        assert second.code == 2
        assert str(process.pid) in second.err
        assert os.uname().nodename in second.err
    finally:
        process.kill()
        process.communicate()
