import json
import logging
import multiprocessing
import os
import subprocess
import sys
import time

import pytest

from dalsegno.errors import RunLocked, StoreError
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
    record = record_of(tmp_path)
    record.write_text(json.dumps(json.loads(record.read_text()) | changes))
    return record


def record_of(tmp_path):
    (record,) = (tmp_path / "runs" / "r" / "lock").iterdir()
    return record


def let_pass(record, seconds):
    past = time.time() - seconds
    os.utime(record, (past, past))


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
    assert list((tmp_path / "runs" / "r").iterdir()) == []


def test_a_later_process_with_the_same_pid_does_not_hold(tmp_path, holding):
    change_holder(tmp_path, started="1")
    assert is_locked(tmp_path, "r") is None
    with RunLock(tmp_path, "r"):
        pass


def test_a_holder_on_another_host_lives_while_it_gives_signs(tmp_path, holding):
    record = change_holder(tmp_path, host="elsewhere.example")
    with pytest.raises(RunLocked, match=r"elsewhere\.example"), RunLock(tmp_path, "r"):
        pass
    let_pass(record, 121)
    assert is_locked(tmp_path, "r") is None
    with RunLock(tmp_path, "r"):
        assert is_locked(tmp_path, "r").pid == os.getpid()


@pytest.mark.parametrize("space", ["another boot pid:[1]", ""])
def test_a_holder_in_another_container_of_the_same_name_lives_while_it_gives_signs(tmp_path, holding, space):
    record = change_holder(tmp_path, space=space, pid=4_000_000)
    assert is_locked(tmp_path, "r").pid == 4_000_000
    with pytest.raises(RunLocked, match="process 4000000"), RunLock(tmp_path, "r"):
        pass
    let_pass(record, 121)
    assert is_locked(tmp_path, "r") is None


DAMAGED = [b"", b'{"host": "a', b"\xff\xfe", b"[1]", b"null", b'{"host": "a", "user": 1}', b'{"pid": "x"}']


@pytest.mark.parametrize("name", ["holder.json", "holder-a.json"])
@pytest.mark.parametrize("content", DAMAGED)
def test_a_damaged_record_holds_while_it_gives_signs(tmp_path, name, content):
    lock = tmp_path / "runs" / "r" / "lock"
    lock.mkdir(parents=True)
    (lock / name).write_bytes(content)
    assert "a process whose record is damaged" in str(is_locked(tmp_path, "r"))
    with pytest.raises(RunLocked, match=f"whose record is damaged.* or remove {lock}$"), RunLock(tmp_path, "r"):
        pass
    let_pass(lock / name, 121)
    assert is_locked(tmp_path, "r") is None
    with RunLock(tmp_path, "r"):
        assert is_locked(tmp_path, "r").pid == os.getpid()
    assert list(lock.parent.iterdir()) == []


def test_a_damaged_pid_does_not_hold_for_ever(tmp_path, holding):
    record = change_holder(tmp_path, pid="x", started="")
    let_pass(record, 121)
    assert is_locked(tmp_path, "r") is None


def test_who_was_taken_for_dead_leaves_the_run_to_its_new_holder(tmp_path, caplog):
    with RunLock(tmp_path, "r"):
        let_pass(change_holder(tmp_path, host="elsewhere.example"), 121)
        second = RunLock(tmp_path, "r")
        second.__enter__()
    assert "was taken over by another process meanwhile" in caplog.text
    assert is_locked(tmp_path, "r") == second.holder
    second.__exit__(None, None, None)
    assert list((tmp_path / "runs" / "r").iterdir()) == []


def test_a_folder_that_is_no_lock_is_named(tmp_path):
    lock = tmp_path / "runs" / "r" / "lock"
    lock.mkdir(parents=True)
    (lock / "notes.txt").touch()
    assert is_locked(tmp_path, "r") is None
    with pytest.raises(RunLocked, match=f"{lock} is no lock .* remove it"), RunLock(tmp_path, "r"):
        pass


@pytest.mark.skipif(sys.platform != "linux", reason="the system has no /proc")
def test_a_store_that_can_not_be_made_says_what_to_do():
    with pytest.raises(StoreError, match="choose another"), RunLock("/proc/store", "r"):
        pass


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
    assert list((tmp_path / "runs" / "r").iterdir()) == []
