"""Training on samples that gunpowder augments."""

import math
import time
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import torch
from funlib.geometry import Coordinate

from dalsegno.compute.threads import limit_threads, share_cores
from dalsegno.config import config, field, not_negative, one_of, positive
from dalsegno.errors import DalsegnoError, DataError
from dalsegno.experiments.datasets.dataset import Dataset
from dalsegno.experiments.model import Model
from dalsegno.experiments.tasks.task import Task
from dalsegno.experiments.trainers.augments.augment_config import AugmentConfig
from dalsegno.experiments.trainers.gunpowder_batches import Batch, batches
from dalsegno.experiments.trainers.gunpowder_samples import GunpowderSamples, PatchShape
from dalsegno.experiments.trainers.trainer import Trainer, TrainerConfig
from dalsegno.experiments.training_stats import TrainingIterationStats
from dalsegno.ops.balance import ClassCounts
from dalsegno.store.array_store import LocalContainerIdentifier
from dalsegno.store.snapshot import write_snapshot

__all__ = ["GunpowderTrainer", "GunpowderTrainerConfig"]

DIVISIBLE = 720720
"""A voxel size that every up-sampling factor up to 16 divides."""


def _fraction(value: float) -> str | None:
    return None if 0 <= value <= 1 else f"must be a fraction from 0 to 1, got {value}"


@config
class GunpowderTrainerConfig(TrainerConfig):
    """Train on samples that gunpowder augments."""

    trainer_type: ClassVar[type[Trainer]]

    num_data_fetchers: int = field(
        help="Processes that prepare samples, at most; together with the arithmetic threads they never exceed the "
        "cores. 0 prepares them in the training process.",
        default=5,
        check=not_negative,
    )
    augments: tuple[AugmentConfig, ...] = field(help="What changes the samples, in this order.", default=())
    snapshot_interval: int | None = field(
        help="Write a batch with its prediction every so many iterations; never if not given.",
        default=None,
        check=positive,
    )
    min_masked: float | None = field(
        help="Fraction of a sample that the mask of its dataset has to cover. Not used where there is no mask.",
        default=0.15,
        check=_fraction,
    )
    clip_raw: bool = field(help="Cut raw to 0 … 1 after the augments.", default=False)
    optimizer: str = field(
        help="radam: RAdam with decoupled weight decay, which starts slowly by itself. adamw: learns faster in short "
        "runs.",
        default="radam",
        check=one_of("radam", "adamw"),
    )
    warmup_iterations: int = field(
        help="Iterations over which the step size grows from 1 % to all of it.", default=100, check=positive
    )
    schedule: str = field(
        help="The step size after the warm-up. constant: stays. cosine: falls to 0 at the last iteration.",
        default="constant",
        check=one_of("constant", "cosine"),
    )


class GunpowderTrainer(Trainer):
    """Train on samples that gunpowder augments, with a linear warm-up of the step size.

    Sample *i* depends on `seed` and *i* alone, whatever the number of data workers.
    """

    def __init__(self, trainer_config: GunpowderTrainerConfig, seed: int = 0) -> None:
        self.config = trainer_config
        self.seed = seed
        self.iteration = 0
        self.batch_size = trainer_config.batch_size
        self.learning_rate = trainer_config.learning_rate
        self.counts: ClassCounts | None = None
        self.samples: GunpowderSamples | None = None
        self._batches: Iterator[Batch] | None = None

    def create_optimizer(self, model: Model) -> torch.optim.Optimizer:
        """Return the optimizer of the config: RAdam (Liu et al., 2020) or AdamW (Loshchilov and Hutter, 2019)."""
        if self.config.optimizer == "adamw":
            return torch.optim.AdamW(model.parameters(), lr=self.learning_rate)
        return torch.optim.RAdam(model.parameters(), lr=self.learning_rate, decoupled_weight_decay=True)

    def can_train(self, datasets: list[Dataset]) -> bool:
        """Return whether every dataset has ground truth."""
        return bool(datasets) and all(dataset.gt is not None for dataset in datasets)

    def build_batch_provider(
        self,
        datasets: list[Dataset],
        model: Model,
        task: Task,
        snapshot_container: LocalContainerIdentifier | None = None,
    ) -> None:
        """Get ready to draw batches.

        Raises
        ------
        DataError
            If a dataset has no ground truth or does not fit the model.
        """
        if not self.can_train(datasets):
            missing = [dataset.name for dataset in datasets if dataset.gt is None]
            raise DataError(f"training needs ground truth, and datasets {missing} have none; set gt_config")
        for dataset in datasets:
            task.check_dataset(dataset)
        self.task = task
        self.snapshot_container = snapshot_container
        unit = Coordinate((1,) * model.input_shape.dims)
        self.samples = GunpowderSamples(
            datasets=datasets,
            predictor=task.predictor,
            patch=PatchShape(
                input_shape=model.input_shape,
                output_shape=model.output_shape,
                scale=unit * DIVISIBLE / model.scale(unit * DIVISIBLE),
            ),
            augments=self.config.augments,
            seed=self.seed,
            min_masked=self.config.min_masked or 0.0,
            clip_raw=self.config.clip_raw,
        )
        self._batches = None

    def iterate(
        self, num_iterations: int, model: Model, optimizer: torch.optim.Optimizer, device: torch.device
    ) -> Iterator[TrainingIterationStats]:
        """Train for a number of iterations, from `iteration` on, yielding the statistics of each.

        Raises
        ------
        DataError
            If the data can't be read or the loss is no longer a finite number.
        """
        model.train().to(device)
        share = share_cores(self.config.num_data_fetchers)
        end = self.iteration + num_iterations
        try:
            with limit_threads(share.threads):
                for _ in range(num_iterations):
                    begin = time.perf_counter()
                    batch = self.next()
                    waited = time.perf_counter() - begin
                    model.train()
                    for group in optimizer.param_groups:
                        group["lr"] = self._step_size(end)
                    loss = self._step(batch, model, optimizer, device)
                    seconds = time.perf_counter() - begin
                    rate = optimizer.param_groups[0]["lr"]
                    stats = TrainingIterationStats(self.iteration, loss, seconds, waited, rate)
                    self.iteration += 1
                    yield stats
        finally:
            # ends the data workers
            self._batches = None

    def next(self) -> Batch:
        """Return the batch of the current iteration.

        Raises
        ------
        DataError
            If the data can't be read.
        WorkerLost
            If a data worker was ended from outside.
        """
        if self.samples is None:
            raise DalsegnoError("no datasets to train on: call build_batch_provider before iterate")
        if self._batches is None:
            self._batches = batches(self.samples, self.iteration, self.batch_size, self.config.num_data_fetchers)
        return next(self._batches)

    def state_dict(self) -> dict[str, Any]:
        """Return the iteration and the class counts that weights are balanced with."""
        return {"iteration": self.iteration, "counts": self.counts.to_list() if self.counts else None}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state that `state_dict` returned."""
        self.iteration = state["iteration"]
        self.counts = ClassCounts.from_list(state["counts"]) if state["counts"] else None
        self._batches = None

    def _step(self, batch: Batch, model: Model, optimizer: torch.optim.Optimizer, device: torch.device) -> float:
        weight, self.counts = self.task.predictor.create_weight(batch.target.numpy(), batch.mask.numpy(), self.counts)
        optimizer.zero_grad(set_to_none=True)
        prediction = model(batch.raw.to(device))
        loss = self.task.loss.compute(prediction, batch.target.to(device), torch.from_numpy(weight).to(device))
        value = float(loss.detach())
        if not np.isfinite(value):
            raise DataError(
                f"the loss is {value} at iteration {self.iteration}; the weights would be lost: lower learning_rate "
                f"({self.learning_rate}) or look at raw (IntensitiesArray brings it to 0 … 1)"
            )
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        self._snapshot(batch, weight, prediction)
        return value

    def _step_size(self, end: int) -> float:
        """Return the step size of the current iteration, of `end` in all: a function of the two alone."""
        warmup = self.config.warmup_iterations
        if self.iteration < warmup:
            return self.learning_rate * (0.01 + 0.99 * self.iteration / warmup)
        if self.config.schedule == "constant":
            return self.learning_rate
        progress = (self.iteration - warmup) / max(1, end - warmup)
        return self.learning_rate * (1 + math.cos(math.pi * progress)) / 2

    def _snapshot(self, batch: Batch, weight: Any, prediction: torch.Tensor) -> None:
        interval = self.config.snapshot_interval
        if interval and self.snapshot_container is not None and self.iteration % interval == 0:
            volumes = {
                "raw": batch.raw.numpy(),
                "gt": np.stack([sample.gt for sample in batch.samples]),
                "target": batch.target.numpy(),
                "weight": weight,
                "mask": batch.mask.numpy(),
                "prediction": prediction.detach().float().cpu().numpy(),
            }
            write_snapshot(self.snapshot_container, self.iteration, volumes)


GunpowderTrainerConfig.trainer_type = GunpowderTrainer
