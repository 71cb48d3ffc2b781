"""One experiment: what is learned, from which data, how, and for how long."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dalsegno.config import Config, config, field, positive
from dalsegno.errors import ConfigError, Problem
from dalsegno.experiments.architectures.architecture import ArchitectureConfig
from dalsegno.experiments.datasplits.datasplit import DataSplitConfig
from dalsegno.experiments.tasks.task import TaskConfig
from dalsegno.experiments.trainers.trainer import TrainerConfig
from dalsegno.store.names import check_name

if TYPE_CHECKING:
    from dalsegno.experiments.model import Model

__all__ = ["Run", "RunConfig"]


@config
class RunConfig(Config):
    """One experiment."""

    kind = "run"

    name: str = field(help="Name of the run; everything about it is stored under this name.")
    architecture_config: ArchitectureConfig = field(help="The network.")
    task_config: TaskConfig = field(help="What is predicted, and how it is judged.")
    trainer_config: TrainerConfig = field(help="How training samples are drawn, augmented and learned from.")
    datasplit_config: DataSplitConfig = field(help="The data to train and to validate on.")
    num_iterations: int = field(help="Training iterations in all.", check=positive)
    validation_interval: int = field(
        help="Validate every so many iterations, and at the end.", default=1000, check=positive
    )
    repetition: int = field(help="Number of this repetition of the experiment; it is the seed.", default=0)
    seed: int | None = field(help="Seed of all randomness, instead of the repetition.", default=None)

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong with names that become parts of paths, or with the seed."""
        yield from _name_problems(self.name, "run", "name")
        for role in ("train_configs", "validate_configs"):
            for position, dataset in enumerate(getattr(self.datasplit_config, role, ())):
                yield from _name_problems(dataset.name, "dataset", "datasplit_config", role, position, "name")
        for name in ("seed", "repetition"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < 2**63:
                yield Problem(f"must be from 0 to 2**63 - 1, got {value}", (name,))


def _name_problems(name: str, what: str, *path: str | int) -> Iterator[Problem]:
    try:
        check_name(name, what)
    except ConfigError as error:
        yield Problem(str(error), path)


class Run:
    """The parts of an experiment, built; data is opened, weights are drawn from the run's seed.

    Parameters
    ----------
    run_config
        The experiment.
    restored
        A checkpoint will bring the weights: those that the task starts from are not read.

    Attributes
    ----------
    config
        What it was built from.
    datasplit, task, architecture, trainer
        The parts.
    model
        The network of the architecture with the head of the task.
    optimizer
        Of the model's parameters.
    """

    def __init__(self, run_config: RunConfig, *, restored: bool = False) -> None:
        import torch

        self.config = run_config
        self.name = run_config.name
        self.datasplit = run_config.datasplit_config.datasplit_type(run_config.datasplit_config)
        self.task = run_config.task_config.task_type(run_config.task_config)
        torch.manual_seed(self.seed)
        architecture = run_config.architecture_config
        self.architecture = architecture.architecture_type(architecture)
        self.trainer = run_config.trainer_config.trainer_type(run_config.trainer_config, seed=self.seed)
        create_model = self.task.create_bare_model if restored else self.task.create_model
        self.model: Model = create_model(self.architecture)
        self.optimizer: torch.optim.Optimizer = self.trainer.create_optimizer(self.model)

    @property
    def seed(self) -> int:
        """Seed of all randomness of the run."""
        return self.config.repetition if self.config.seed is None else self.config.seed

    def is_validation_point(self, iteration: int) -> bool:
        """Return whether the run is validated after so many iterations."""
        config = self.config
        return iteration == config.num_iterations or (iteration > 0 and iteration % config.validation_interval == 0)
