"""Batches of samples, prepared ahead by data workers."""

import os
import signal
from collections.abc import Iterator
from multiprocessing import parent_process
from threading import Thread
from typing import Any

import numpy as np
import torch
from attrs import frozen
from torch.utils.data import DataLoader, Sampler

from dalsegno.compute.threads import share_cores
from dalsegno.errors import DalsegnoError, WorkerLost
from dalsegno.experiments.trainers.gunpowder_samples import GunpowderSamples, Sample

__all__ = ["Batch", "batches"]


@frozen(eq=False)
class Batch:
    """Samples of one iteration; arrays have axes (sample, channel, *spatial) and float32 values."""

    samples: list[Sample]
    raw: torch.Tensor
    target: torch.Tensor
    mask: torch.Tensor


def batches(samples: GunpowderSamples, iteration: int, batch_size: int, num_data_fetchers: int) -> Iterator[Batch]:
    """Yield the batches of one iteration after the other, without end; the workers end with the iterator.

    Parameters
    ----------
    samples
        Sample *i* by its index.
    iteration
        The first; its samples are ``iteration * batch_size`` and the following.
    batch_size
        Samples in a batch.
    num_data_fetchers
        Data workers at most; within the cores. Without any, samples are prepared in this process.

    Raises
    ------
    DataError
        If the data can't be read.
    WorkerLost
        If a data worker was ended from outside.
    """
    workers = share_cores(num_data_fetchers).workers
    loader: Any = DataLoader(
        samples,  # type: ignore[arg-type]
        batch_sampler=_Ahead(iteration, batch_size),
        collate_fn=_collated,
        num_workers=workers,
        # a forked process may inherit locks that reading threads held
        multiprocessing_context="forkserver" if workers else None,
        worker_init_fn=_start_worker if workers else None,
        prefetch_factor=3 if workers else None,
    )
    try:
        for batch in loader:
            if isinstance(batch, DalsegnoError):
                raise batch
            yield batch
    except RuntimeError as error:
        if "DataLoader worker" not in str(error):
            raise
        raise WorkerLost(
            "a data worker was ended from outside, perhaps for want of memory: lower num_data_fetchers, batch_size or "
            "input_shape; the same command goes on from the last checkpoint"
        ) from error


class _Ahead(Sampler[list[int]]):
    """The indices of one batch after the other, from an iteration on, without end."""

    def __init__(self, iteration: int, batch_size: int) -> None:
        self.iteration = iteration
        self.batch_size = batch_size

    def __iter__(self) -> Iterator[list[int]]:
        iteration = self.iteration
        while True:
            yield list(range(iteration * self.batch_size, (iteration + 1) * self.batch_size))
            iteration += 1


def _collated(samples: list[Sample | DalsegnoError]) -> Batch | DalsegnoError:
    drawn: list[Sample] = []
    for sample in samples:
        if isinstance(sample, DalsegnoError):
            return sample
        drawn.append(sample)
    raw, target, mask = (
        torch.from_numpy(np.stack([getattr(sample, name) for sample in drawn])) for name in ("raw", "target", "mask")
    )
    return Batch(drawn, raw, target, mask)


def _start_worker(_: int) -> None:
    import threadpoolctl

    # Ctrl-C is for the training process, which then ends its workers
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(1)
    threadpoolctl.threadpool_limits(1)


def _end_with_parent() -> None:
    """End a data worker whose training process was killed: nobody else does."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
