import json
import logging
import multiprocessing
import os
import subprocess
import sys
import time

import pytest

from dalsegno.errors import RunLocked
from dalsegno.store.run_lock import RunLock, is_locked

HOLD = """
import sys, time
from dalsegno.store.run_lock import RunLock
with RunLock(sys.argv[1], "r"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holding(tmp_path):
    command = [sys.executable, "-c", HOLD, tmp_path]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def change_holder(tmp_path, **changes):
    record = tmp_path / "runs" / "r" / "lock" / "holder.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | changes))
    return record


def test_a_run_is_held_once_and_let_go(tmp_path):
    assert is_locked(tmp_path, "r") is None
    with RunLock(tmp_path, "r"):
        assert is_locked(tmp_path, "r").pid == os.getpid()
        with pytest.raises(RunLocked, match=rf"is being trained by process {os.getpid()} on .* since .*; wait until"):
            RunLock(tmp_path, "r").__enter__()
        with RunLock(tmp_path, "another"):
            pass
    assert is_locked(tmp_path, "r") is None
    with RunLock(tmp_path, "r"):
        pass
    assert list((tmp_path / "runs" / "r").iterdir()) == []


def test_a_run_is_let_go_when_training_fails(tmp_path):
    with pytest.raises(ZeroDivisionError), RunLock(tmp_path, "r"):
        raise ZeroDivisionError
    assert is_locked(tmp_path, "r") is None


def test_a_living_process_keeps_the_run_and_a_killed_one_does_not(tmp_path, holding, caplog):
    assert is_locked(tmp_path, "r").pid == holding.pid
    with pytest.raises(RunLocked, match=f"process {holding.pid}"), RunLock(tmp_path, "r"):
        pass
    holding.kill()
    while is_locked(tmp_path, "r"):
        time.sleep(0.01)
    with caplog.at_level(logging.WARNING), RunLock(tmp_path, "r"):
        assert is_locked(tmp_path, "r").pid == os.getpid()
    assert f"taken over from process {holding.pid}" in caplog.text


def test_a_later_process_with_the_same_pid_does_not_hold(tmp_path, holding):
    change_holder(tmp_path, started="another boot:1")
    assert is_locked(tmp_path, "r") is None
    with RunLock(tmp_path, "r"):
        pass


def test_a_holder_on_another_host_lives_while_it_gives_signs(tmp_path, holding):
    record = change_holder(tmp_path, host="elsewhere.example")
    with pytest.raises(RunLocked, match=r"elsewhere\.example"), RunLock(tmp_path, "r"):
        pass
    past = time.time() - 121
    os.utime(record, (past, past))
    assert is_locked(tmp_path, "r") is None
    with RunLock(tmp_path, "r"):
        assert is_locked(tmp_path, "r").pid == os.getpid()


def take(root, barrier, results, done):
    barrier.wait()
    try:
        with RunLock(root, "r"):
            results.put(os.getpid())
            done.wait(30)
    except RunLocked:
        results.put(None)


@pytest.mark.parametrize("dead_holder", [False, True])
@pytest.mark.parametrize("attempt", range(4))
def test_of_racing_processes_one_gets_the_run(tmp_path, dead_holder, attempt):
    if dead_holder:
        code = HOLD.replace("sys.stdin.read()", "import os; os._exit(0)")
        subprocess.run([sys.executable, "-c", code, tmp_path], check=True, capture_output=True)
    context = multiprocessing.get_context("fork")
    barrier, results, done = context.Barrier(5), context.Queue(), context.Event()
    processes = [context.Process(target=take, args=(tmp_path, barrier, results, done)) for _ in range(5)]
    for process in processes:
        process.start()
    winners = [pid for pid in (results.get(timeout=30) for _ in processes) if pid is not None]
    assert len(winners) == 1
    assert is_locked(tmp_path, "r").pid == winners[0]
    done.set()
    for process in processes:
        process.join()
    assert is_locked(tmp_path, "r") is None
