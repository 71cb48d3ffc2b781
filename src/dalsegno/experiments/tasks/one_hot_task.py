"""Segments classes that exclude each other."""

from collections.abc import Iterator
from typing import ClassVar

from dalsegno.config import config, field, not_negative
from dalsegno.errors import Problem
from dalsegno.experiments.tasks.evaluators.binary_segmentation_evaluator import (
    HEADLINE,
    BinarySegmentationEvaluator,
    known_criteria,
)
from dalsegno.experiments.tasks.losses.cross_entropy_loss import CrossEntropyLoss
from dalsegno.experiments.tasks.post_processors.argmax_post_processor import ArgmaxPostProcessor
from dalsegno.experiments.tasks.predictors.one_hot_predictor import OneHotPredictor
from dalsegno.experiments.tasks.task import Task, TaskConfig, distinct_names, odd, share, tolerance_problems
from dalsegno.units import Length, positive_length

__all__ = ["OneHotTask", "OneHotTaskConfig"]


@config
class OneHotTaskConfig(TaskConfig):
    """Learn the class of each voxel; the most likely one is its label."""

    task_type: ClassVar[type[Task]]

    classes: tuple[str, ...] = field(
        help="Names of the classes, in the order of their labels 0, 1, 2, …", check=distinct_names
    )
    kernel_size: int = field(help="Voxels of the last convolution along each axis.", default=3, check=odd)
    clip_distance: Length | None = field(
        help="Errors count as at most this far from the truth in clipped mean distances; "
        "ten times the longest voxel edge if not given.",
        default=None,
        check=positive_length,
    )
    tol_distance: Length | None = field(
        help="Errors this near to the truth are none in scores with tolerance; "
        "twice the longest voxel edge if not given.",
        default=None,
        check=positive_length,
    )
    dice_weight: float = field(
        help="Share of the soft Dice loss beside the cross entropy.", default=0.0, check=not_negative
    )
    tversky_beta: float = field(
        help="How much missed voxels of a class count in the Dice loss against false ones, 0 to 1; 0.5: as in Dice.",
        default=0.5,
        check=share,
    )
    criteria: tuple[str, ...] = field(
        help="Scores by which the best iteration is chosen.", default=HEADLINE, check=known_criteria
    )

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong with the tolerance."""
        yield from tolerance_problems(self)


class OneHotTask(Task):
    """Class probabilities, their cross entropy, the most likely class, and binary scores of each class."""

    def __init__(self, task_config: OneHotTaskConfig) -> None:
        self.predictor = OneHotPredictor(task_config.classes, task_config.kernel_size)
        self.loss = CrossEntropyLoss(dice_weight=task_config.dice_weight, tversky_beta=task_config.tversky_beta)
        self.post_processor = ArgmaxPostProcessor()
        self.evaluator = BinarySegmentationEvaluator(
            task_config.clip_distance,
            task_config.tol_distance,
            task_config.classes,
            labels=True,
            headline=task_config.criteria,
        )


OneHotTaskConfig.task_type = OneHotTask
