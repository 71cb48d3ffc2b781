"""Another task, whose network starts from weights that were learned before."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from upath import UPath

from dalsegno.arrays.stored_array_fields import no_credentials
from dalsegno.config import config, field
from dalsegno.errors import DataError, Problem
from dalsegno.experiments.architectures.architecture import Architecture
from dalsegno.experiments.model import Model
from dalsegno.experiments.tasks.task import Task, TaskConfig
from dalsegno.store.weights_file import read_weights

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["PretrainedTask", "PretrainedTaskConfig"]

NAMED = 3


@config
class PretrainedTaskConfig(TaskConfig):
    """Do another task, starting from given weights of its whole network."""

    task_type: ClassVar[type[Task]]

    sub_task_config: TaskConfig = field(help="The task.")
    weights: UPath = field(
        help="Path or URL of the weights: a checkpoint of a run (its folder, or model.safetensors in it), another "
        "safetensors file, or a state_dict that torch saved.",
        check=no_credentials,
    )

    def problems(self) -> Iterator[Problem]:
        """Yield a problem if the task starts from weights of its own."""
        if isinstance(self.sub_task_config, PretrainedTaskConfig):
            yield Problem(
                f"is a PretrainedTask itself, whose weights ({self.sub_task_config.weights}) these would replace; give "
                "the task within it, and the one file of weights to start from",
                ("sub_task_config",),
            )


class PretrainedTask(Task):
    """The parts of another task, and weights to start from.

    Attributes
    ----------
    weights
        Path or URL of the weights.
    """

    def __init__(self, task_config: PretrainedTaskConfig) -> None:
        self.weights = task_config.weights
        self.sub_task: Task = task_config.sub_task_config.task_type(task_config.sub_task_config)
        self.predictor = self.sub_task.predictor
        self.loss = self.sub_task.loss
        self.post_processor = self.sub_task.post_processor
        self.evaluator = self.sub_task.evaluator

    def create_model(self, architecture: Architecture) -> Model:
        """Return the network of the task with the weights in it, all of them and no others.

        Raises
        ------
        DataError
            If the weights are those of another network.
        StoreError
            If they can't be read.
        """
        model = self.create_bare_model(architecture)
        state = read_weights(self.weights)
        _check_alike(state, model.state_dict(), self.weights)
        model.load_state_dict(state)
        return model

    def create_bare_model(self, architecture: Architecture) -> Model:
        """Return the network of the task without the weights."""
        return self.sub_task.create_bare_model(architecture)


def _check_alike(given: "dict[str, Tensor]", needed: "dict[str, Tensor]", path: UPath) -> None:
    """Refuse weights that differ from those of a network in name or shape."""
    shapes = [
        f"{name} {tuple(given[name].shape)} instead of {tuple(needed[name].shape)}"
        for name in needed
        if name in given and given[name].shape != needed[name].shape
    ]
    wrong = {
        "lack": [name for name in needed if name not in given],
        "hold besides": [name for name in given if name not in needed],
        "have other shapes": shapes,
    }
    differences = [f"they {what}: {_some(names)}" for what, names in wrong.items() if names]
    if differences:
        raise DataError(
            f"the weights {path} are not those of this network, and would leave parts of it random: "
            f"{'; '.join(differences)}; give the architecture and the task that they were learned with"
        )


def _some(names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


PretrainedTaskConfig.task_type = PretrainedTask
