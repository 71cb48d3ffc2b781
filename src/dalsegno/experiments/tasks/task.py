"""What is learned: how predictions are made, trained, turned into labels and judged."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

from dalsegno.config import Config, config, field
from dalsegno.errors import DataError, Problem
from dalsegno.experiments.architectures.architecture import Architecture
from dalsegno.experiments.datasets.dataset import Dataset
from dalsegno.experiments.model import Model
from dalsegno.experiments.tasks.evaluators.evaluation_scores import EvaluationScores
from dalsegno.experiments.tasks.evaluators.evaluator import Evaluator
from dalsegno.experiments.tasks.losses.loss import Loss
from dalsegno.experiments.tasks.post_processors.post_processor import PostProcessor
from dalsegno.experiments.tasks.post_processors.post_processor_parameters import PostProcessorParameters
from dalsegno.experiments.tasks.predictors.predictor import Predictor
from dalsegno.units import is_longer

__all__ = [
    "Task",
    "TaskConfig",
    "distinct_names",
    "distinct_numbers",
    "odd",
    "share",
    "share_problems",
    "tolerance_problems",
]


@config
class TaskConfig(Config):
    """Base of the configs of all tasks."""

    kind: ClassVar[str] = "task"
    task_type: ClassVar[type[Any]]

    name: str = field(help="Name under which the task is stored.", default="")


class Task(ABC):
    """A predictor, a loss, a post-processor and an evaluator that fit each other.

    A concrete task sets the four when it is made from its config.

    Attributes
    ----------
    predictor
        Makes the model, its targets and their weights.
    loss
        Compares predictions with targets.
    post_processor
        Turns predictions into labels.
    evaluator
        Compares labels with the ground truth.
    """

    predictor: Predictor
    loss: Loss
    post_processor: PostProcessor[Any]
    evaluator: Evaluator

    @abstractmethod
    def __init__(self, task_config: Any) -> None:
        """Make the four parts."""

    @property
    def parameters(self) -> Iterable[PostProcessorParameters]:
        """The settings of the post-processor that a validation tries."""
        return self.post_processor.enumerate_parameters()

    @property
    def evaluation_scores(self) -> EvaluationScores:
        """Scores with every value undefined: they know the criteria."""
        return self.evaluator.score

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels of a prediction."""
        return self.predictor.channels

    def check_dataset(self, dataset: Dataset) -> None:
        """Refuse a dataset whose ground truth can't be the labels of this task, before a voxel of it is read.

        Raises
        ------
        DataError
            If channels, axes or dtype don't fit; the message names the dataset and says what to do.
        """
        if dataset.gt is not None:
            try:
                self.predictor.check_gt(dataset.gt)
            except DataError as error:
                raise DataError(f"dataset {dataset.name!r}: {error}") from error

    def create_model(self, architecture: Architecture) -> Model:
        """Return the architecture with the head that this task needs."""
        return self.predictor.create_model(architecture)

    def create_bare_model(self, architecture: Architecture) -> Model:
        """Return the model for weights that a checkpoint brings: none to start from are read."""
        return self.create_model(architecture)


def distinct_names(value: tuple[str, ...]) -> str | None:
    """Check that there is at least one name, and none twice or empty."""
    repeated = sorted({name for name in value if value.count(name) > 1})
    if repeated:
        return f"each name can stand once, got {', '.join(repeated)} several times"
    return None if value and all(value) else f"needs one or more names that are not empty, got {list(value)}"


def distinct_numbers(value: tuple[float, ...]) -> str | None:
    """Check that there is at least one number to try, and none twice."""
    different = value and len(set(value)) == len(value) and all(map(math.isfinite, value))
    return None if different else f"needs one or more different numbers, got {list(value)}"


def odd(value: int) -> str | None:
    """Check that a number of voxels has one in the middle."""
    return None if value > 0 and value % 2 else f"must be odd and above 0, got {value}"


def share(value: float) -> str | None:
    """Check that a number is from 0 to 1."""
    return None if 0 <= value <= 1 else f"must be from 0 to 1, got {value}"


def share_problems(given: TaskConfig, clipmin: str, clipmax: str) -> Iterator[Problem]:
    """Yield what is wrong with two fields that bound the share of a class."""
    least, largest = getattr(given, clipmin), getattr(given, clipmax)
    if not least < largest <= 1:
        yield Problem(
            f"needs {clipmin} < {clipmax} <= 1: both bound a share; got {least} and {largest}",
            (clipmin,),
        )


def tolerance_problems(given: Any) -> Iterator[Problem]:
    """Yield what is wrong with `tol_distance` beside `clip_distance`."""
    clip, tolerance = given.clip_distance, given.tol_distance
    if clip is not None and tolerance is not None and is_longer(tolerance, clip):
        yield Problem(
            f"must not be above clip_distance ({clip}), got {tolerance}: what is clipped would count as no error",
            ("tol_distance",),
        )
