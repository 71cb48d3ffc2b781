"""One run is trained by one process at a time.

The lock is a folder with one file, the record of its holder. It is put in place by renaming, which fails
where a folder stands that is not empty, so of several processes exactly one gets it. A lock is let go, or
taken from a dead holder, by removing the record. The name of a record is that of one holding: who comes
late to remove it finds it gone, and can't remove the record that follows.
"""

import errno
import json
import logging
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from uuid import uuid4

from attrs import asdict, frozen

from dalsegno.errors import ConfigError, RunLocked
from dalsegno.store.atomic import make_folder, store_errors, write_text
from dalsegno.store.converter import structure
from dalsegno.store.names import check_name

__all__ = ["Holder", "RunLock", "is_locked"]

logger = logging.getLogger(__name__)

HEARTBEAT = 20.0
"""Seconds between two signs of life."""

STALE = 120.0
"""Seconds without a sign of life after which a holder counts as dead whose process can't be looked up from here."""

_ATTEMPTS = 100


@frozen
class Holder:
    """Who trains a run.

    Attributes
    ----------
    host, pid
        Where its process runs. An empty host is one that is not known, as its record can't be read.
    space
        Tells where the pid means this process: boot of the machine and namespace of its pids. Containers may
        share the name of a host and not its pids.
    started
        When the process was started, as its system tells it: a later process may have the same pid.
    since
        When it took the run, ISO 8601 in UTC.
    token
        Tells one holding from every other.
    """

    host: str
    pid: int
    space: str
    started: str
    since: str
    token: str

    def __str__(self) -> str:
        known = f"process {self.pid} on {self.host} since {self.since}"
        return known if self.host else "a process whose record is damaged"

    def is_alive(self, silence: float) -> bool:
        """Return whether the process still runs; where it can't be looked up, by the seconds of its silence."""
        if (self.host, self.space) == (socket.gethostname(), _pid_space()):
            return _start_time(self.pid) == self.started
        return silence < STALE


class RunLock(AbstractContextManager["RunLock"]):
    """Holds a run while the block runs.

    Parameters
    ----------
    root
        Folder of the store.
    run
        Name of the run.

    Raises
    ------
    RunLocked
        If a living process holds the run. One whose record is damaged lives while it gives signs of life.
    StoreError
        If the store can't be written.
    """

    def __init__(self, root: str | os.PathLike[str], run: str) -> None:
        self.run = run
        self.path = _path(root, run)
        since = datetime.now(UTC).isoformat(timespec="seconds")
        pid, token = os.getpid(), uuid4().hex
        self.holder = Holder(socket.gethostname(), pid, _pid_space(), _start_time(pid), since, token)
        self._record = self.path / f"holder-{token}.json"
        self._released = threading.Event()

    def __enter__(self) -> "RunLock":
        with store_errors(self.path):
            make_folder(self.path.parent)
            self._acquire()
        threading.Thread(target=self._beat, name=f"heartbeat of {self.run}", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._released.set()
        with store_errors(self.path):
            if not _done(self._record.unlink):
                logger.warning("run %s was taken over by another process meanwhile", self.run)
                return
            _done(self.path.rmdir)  # not empty where the next holder is in it already

    def _acquire(self) -> None:
        prepared = self.path.with_name(f".lock-{self.holder.token}")
        prepared.mkdir()
        try:
            record = prepared / self._record.name
            write_text(record, json.dumps(asdict(self.holder)))
            for _ in range(_ATTEMPTS):
                if _done(lambda: prepared.rename(self.path)):
                    return
                self._remove_dead_holder(now=record.stat().st_mtime)
            raise RunLocked(
                f"run {self.run!r} can't be taken: {self.path} is no lock or changes hands all the time; "
                f"remove it if no process trains the run"
            )
        finally:
            shutil.rmtree(prepared, ignore_errors=True)

    def _remove_dead_holder(self, now: float) -> None:
        record = _read(self.path)
        if record is None:
            return
        if record.holder.is_alive(now - record.beat):
            raise RunLocked(
                f"run {self.run!r} is being trained by {record.holder}, and two at once would mix up its statistics; "
                f"wait until that process ends, or stop it; if it has died, wait {STALE:.0f} seconds or remove "
                f"{self.path}"
            )
        if _done(record.path.unlink):
            logger.warning("run %s is taken over from %s, which has died", self.run, record.holder)

    def _beat(self) -> None:
        while not self._released.wait(HEARTBEAT):
            try:
                os.utime(self._record)
            except OSError as error:
                logger.warning("no sign of life could be given for run %s: %s", self.run, error)


def is_locked(root: str | os.PathLike[str], run: str) -> Holder | None:
    """Return the living process that trains the run, or None."""
    path = _path(root, run)
    with store_errors(path):
        record = _read(path)
    return record.holder if record is not None and record.holder.is_alive(time.time() - record.beat) else None


def _path(root: str | os.PathLike[str], run: str) -> Path:
    return Path(root) / "runs" / check_name(run, "run") / "lock"


@frozen
class _Record:
    """The file in a lock, what it says, and when its holder last gave a sign of life, in seconds since 1970."""

    path: Path
    holder: Holder
    beat: float


def _read(lock: Path) -> _Record | None:
    try:
        path = next(lock.glob("holder*.json"), None)
        return _Record(path, _holder(path.read_bytes()), path.stat().st_mtime) if path else None
    except FileNotFoundError:  # it was let go meanwhile
        return None


def _holder(record: bytes) -> Holder:
    try:
        return structure(json.loads(record), Holder)
    except (ValueError, ConfigError):
        return Holder(host="", pid=0, space="", started="", since="", token="")


def _done(change: Callable[[], object]) -> bool:
    """Rename or remove; return False where another process has come first."""
    try:
        change()
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT):
            return False
        raise
    return True


def _pid_space() -> str:
    """Return what tells the pids seen here from those of another boot or container; empty where it is not known."""
    if sys.platform != "linux":
        return ""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{boot} {Path('/proc/self/ns/pid').readlink()}"


def _start_time(pid: int) -> str:
    """Return what tells a process from a later one with the same pid; empty where there is none."""
    if sys.platform != "linux":
        command = ["ps", "-o", "lstart=", "-p", str(pid)]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return "" if state == "Z" else fields[18]
