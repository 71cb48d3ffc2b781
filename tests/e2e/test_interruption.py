"""A run that is stopped, killed, or started twice loses nothing."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dalsegno.compute.threads import available_cores
from dalsegno.store.options import load_options
from dalsegno.store.stores import open_stores

COMMAND = [sys.executable, "-m", "dalsegno", "run", "discs.yaml", "--set", "num_iterations=120"]


@pytest.fixture
def one_thread(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


ENDLESS = ("--set", "num_iterations=100000", "--set", "validation_interval=100000")
WITH_WORKER = ("--set", "trainer_config.num_data_fetchers=1")


def start(*more):
    command = [*COMMAND, *more]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )


def group(process):
    """The processes that a command has started, itself included."""
    members = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(stat.read_text().rpartition(")")[2].split()[2]) == process.pid:
                members.append(int(stat.parent.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return members


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
@pytest.mark.skipif(available_cores() < 2, reason="with one core there is no data worker")
def test_killed_it_leaves_no_data_worker_behind(experiment, tmp_path):
    process = start(*ENDLESS, *WITH_WORKER)
    wait_for_iterations(tmp_path / "store", 1, process)
    assert len(group(process)) > 1
    process.kill()
    process.wait()
    deadline = time.monotonic() + 30
    while group(process) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert group(process) == []
    process.stdout.close()


@pytest.mark.usefixtures("one_thread")
@pytest.mark.skipif(available_cores() < 2, reason="with one core there is no data worker")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_the_whole_group_stops_it_cleanly(experiment, tmp_path, number):
    process = start(*ENDLESS, *WITH_WORKER)
    wait_for_iterations(tmp_path / "store", 3, process)
    os.killpg(process.pid, number)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130, out
    assert "Traceback" not in out
    assert f"stopped at iteration {len(iterations(tmp_path / 'store'))}" in out


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_stop_it_keeps_what_it_has_and_goes_on_from_there(experiment, dalsegno, tmp_path, number):
    process = start(*ENDLESS)
    wait_for_iterations(tmp_path / "store", 5, process)
    process.send_signal(number)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130, out
    stored = iterations(tmp_path / "store")
    assert f"stopped at iteration {len(stored)}" in out
    (row,) = json.loads(dalsegno("runs", "--json").out)
    assert (row["state"], row["iteration"]) == ("stopped", len(stored))


def test_two_processes_never_train_one_run(experiment, dalsegno, tmp_path):
    process = start(*ENDLESS)
    try:
        wait_for_iterations(tmp_path / "store", 1, process)
        assert json.loads(dalsegno("runs", "--json").out)[0]["state"] == "running"
        second = dalsegno("run", "discs.yaml", *ENDLESS)
        assert second.code == 2
        assert str(process.pid) in second.err
        assert os.uname().nodename in second.err
    finally:
        process.kill()
        process.communicate()
