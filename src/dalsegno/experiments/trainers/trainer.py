"""What turns datasets into training iterations."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from dalsegno.config import Config, config, field, positive
from dalsegno.experiments.datasets.dataset import Dataset
from dalsegno.experiments.training_stats import TrainingIterationStats

if TYPE_CHECKING:
    import torch

    from dalsegno.experiments.model import Model
    from dalsegno.experiments.tasks.task import Task
    from dalsegno.store.array_store import LocalContainerIdentifier

__all__ = ["Trainer", "TrainerConfig"]


@config
class TrainerConfig(Config):
    """Base of the configs of trainers."""

    kind = "trainer"
    trainer_type: ClassVar[type["Trainer"]]

    name: str = field(help="Name to store the trainer under.", default="")
    batch_size: int = field(help="Samples in each iteration.", check=positive)
    learning_rate: float = field(help="Step size of the optimizer after its warm-up.", check=positive)


class Trainer(ABC):
    """Draws batches and steps the optimizer.

    Attributes
    ----------
    iteration
        Number of iterations done; the next one to do.
    batch_size
        Samples in each iteration.
    learning_rate
        Step size after the warm-up.
    """

    iteration: int
    batch_size: int
    learning_rate: float

    @abstractmethod
    def __init__(self, trainer_config: Any, seed: int = 0) -> None:
        """Take the settings; `seed` is that of all randomness."""

    @abstractmethod
    def create_optimizer(self, model: "Model") -> "torch.optim.Optimizer":
        """Return the optimizer of a model's parameters."""

    @abstractmethod
    def build_batch_provider(
        self,
        datasets: list[Dataset],
        model: "Model",
        task: "Task",
        snapshot_container: "LocalContainerIdentifier | None" = None,
    ) -> None:
        """Get ready to draw batches for a model and a task from datasets.

        Raises
        ------
        DataError
            If the datasets do not fit the model.
        """

    @abstractmethod
    def iterate(
        self, num_iterations: int, model: "Model", optimizer: "torch.optim.Optimizer", device: "torch.device"
    ) -> Iterator[TrainingIterationStats]:
        """Train for a number of iterations, from `iteration` on, yielding the statistics of each."""

    @abstractmethod
    def next(self) -> Any:
        """Return the batch of the current iteration; `samples` holds what it was made of."""

    @abstractmethod
    def can_train(self, datasets: list[Dataset]) -> bool:
        """Return whether the trainer can draw samples from all of the datasets."""

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """Return, as plain values, what the next iteration depends on besides model and optimizer."""

    @abstractmethod
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state that `state_dict` returned."""
