"""CPU seconds, peak memory and result of one piece of work, in a process of its own."""

import json
import re
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def main(known: dict[str, Callable[[Path], Any]]) -> None:
    """Measure what the arguments name: ``NAME FOLDER ROUNDS``; prints one line of JSON.

    CPU seconds are those of this process with all its threads, and of its children; the first round warms up
    unless it is the only one. Peak memory is that of the work beyond what the process held before it.
    """
    name, folder, rounds = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    try:
        work = known[name](folder)
        Path("/proc/self/clear_refs").write_text("5")  # the peak so far was that of imports
        before = _peak_mib()
        times, result = [], {}
        for _ in range(rounds):
            begin = _cpu_seconds()
            result = work()
            times.append(_cpu_seconds() - begin)
    except (Exception, MemoryError) as error:  # noqa: BLE001 - a reference that fails is a result
        print(json.dumps({"error": f"{type(error).__name__}: {error}"}))
        return
    times = times[1:] or times
    print(json.dumps({"seconds": times, "mib": _peak_mib() - before, "result": result}))


def _cpu_seconds() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _peak_mib() -> float:
    """Return the peak of the resident memory; ``ru_maxrss`` would begin with that of the calling process."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024
