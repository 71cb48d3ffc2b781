"""One run is trained by one process at a time.

The lock is a folder that holds a record of its holder. It is put in place by renaming, which fails where
another stands, so of several processes exactly one gets it. The lock of a dead holder is renamed away
under a name that only it can have: once that is done, nobody can do it again to the lock that follows.
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
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from uuid import uuid4

from attrs import asdict, frozen

from dalsegno.errors import RunLocked
from dalsegno.store.atomic import store_errors, write_text
from dalsegno.store.names import check_name

__all__ = ["Holder", "RunLock", "is_locked"]

logger = logging.getLogger(__name__)

HEARTBEAT = 20.0
"""Seconds between two signs of life."""

STALE = 120.0
"""Seconds without a sign of life after which a holder on another host counts as dead."""

_RECORD = "holder.json"
_ATTEMPTS = 100


@frozen
class Holder:
    """Who trains a run.

    Attributes
    ----------
    host, pid
        Where its process runs.
    started
        When the process was started, as its system tells it: a later process may have the same pid.
    since
        When it took the run, ISO 8601 in UTC.
    token
        Tells one holding from every other.
    """

    host: str
    pid: int
    started: str
    since: str
    token: str

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host} since {self.since}"

    def is_alive(self, silence: float) -> bool:
        """Return whether the process still runs; on another host by the seconds since its last sign of life."""
        if self.host == socket.gethostname():
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
        If a living process holds the run.
    StoreError
        If the store can't be written.
    """

    def __init__(self, root: str | os.PathLike[str], run: str) -> None:
        self.run = run
        self.path = _path(root, run)
        since = datetime.now(UTC).isoformat(timespec="seconds")
        self.holder = Holder(socket.gethostname(), os.getpid(), _start_time(os.getpid()), since, uuid4().hex)
        self._released = threading.Event()

    def __enter__(self) -> "RunLock":
        with store_errors(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._acquire()
        threading.Thread(target=self._beat, name=f"heartbeat of {self.run}", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._released.set()
        with store_errors(self.path):
            if _read(self.path) != self.holder:
                logger.warning("run %s was taken over by another process meanwhile", self.run)
                return
            released = self._beside("released")
            self.path.rename(released)
            shutil.rmtree(released)

    def _acquire(self) -> None:
        prepared = self._beside("prepared")
        prepared.mkdir()
        try:
            write_text(prepared / _RECORD, json.dumps(asdict(self.holder)))
            for _ in range(_ATTEMPTS):
                if _renamed(prepared, self.path):
                    return
                self._bury_dead_holder(now=(prepared / _RECORD).stat().st_mtime)
            raise RunLocked(
                f"run {self.run!r} can't be taken: {self.path} is no lock or changes hands all the time; "
                f"remove it if no process trains the run"
            )
        finally:
            shutil.rmtree(prepared, ignore_errors=True)

    def _bury_dead_holder(self, now: float) -> None:
        holder = _read(self.path)
        if holder is None:
            return
        if holder.is_alive(now - _last_beat(self.path)):
            raise RunLocked(
                f"run {self.run!r} is being trained by {holder}, and two at once would mix up its statistics; "
                f"wait until that process ends, or stop it"
            )
        if _renamed(self.path, self.path.with_name(f".lock-{holder.token}-dead")):
            logger.warning("run %s is taken over from %s, which has died", self.run, holder)

    def _beside(self, state: str) -> Path:
        return self.path.with_name(f".lock-{self.holder.token}-{state}")

    def _beat(self) -> None:
        while not self._released.wait(HEARTBEAT):
            try:
                if _read(self.path) == self.holder:
                    os.utime(self.path / _RECORD)
            except OSError as error:
                logger.warning("no sign of life could be given for run %s: %s", self.run, error)


def is_locked(root: str | os.PathLike[str], run: str) -> Holder | None:
    """Return the living process that trains the run, or None."""
    path = _path(root, run)
    holder = _read(path)
    return holder if holder is not None and holder.is_alive(time.time() - _last_beat(path)) else None


def _path(root: str | os.PathLike[str], run: str) -> Path:
    return Path(root) / "runs" / check_name(run, "run") / "lock"


def _read(path: Path) -> Holder | None:
    try:
        return Holder(**json.loads((path / _RECORD).read_text()))
    except FileNotFoundError:
        return None


def _last_beat(path: Path) -> float:
    try:
        return (path / _RECORD).stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _renamed(folder: Path, target: Path) -> bool:
    """Rename a folder; return False where another stands at the target, or the folder is gone."""
    try:
        folder.rename(target)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT):
            return False
        raise
    return True


def _start_time(pid: int) -> str:
    """Return what tells a process from a later one with the same pid; empty where there is none."""
    if sys.platform != "linux":
        command = ["ps", "-o", "lstart=", "-p", str(pid)]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return "" if state == "Z" else f"{boot}:{fields[18]}"
