"""Sharing out the cores of a machine between data workers and arithmetic threads.

OpenMP threads spin while they wait for each other: on two cores, a second arithmetic thread beside one
busy data worker made a training iteration eight times slower. So workers and threads together never
exceed the cores.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import frozen

__all__ = ["ThreadShare", "available_cores", "limit_threads", "share_cores"]


@frozen
class ThreadShare:
    """How many data worker processes and how many arithmetic threads a process may use."""

    workers: int
    threads: int


def available_cores() -> int:
    """Return the cores this process may use: its CPU affinity, within the quota of its control group."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = Path("/sys/fs/cgroup/cpu.max")
    if quota.exists():
        allowed, period = quota.read_text().split()
        if allowed != "max":
            cores = min(cores, max(1, int(allowed) // int(period)))
    return cores


def share_cores(wanted_workers: int, cores: int | None = None) -> ThreadShare:
    """Split the cores: at most `wanted_workers` data workers, the rest (at least one) arithmetic threads."""
    cores = available_cores() if cores is None else cores
    workers = max(0, min(wanted_workers, cores - 1))
    return ThreadShare(workers=workers, threads=max(1, cores - workers))


@contextmanager
def limit_threads(threads: int) -> Iterator[None]:
    """Let torch and the numeric libraries use `threads` threads within the block."""
    import torch
    from threadpoolctl import threadpool_limits

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with threadpool_limits(threads):
            yield
    finally:
        torch.set_num_threads(before)
