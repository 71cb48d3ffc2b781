"""Segments structures by the distance of their voxels to the boundary."""

from collections.abc import Iterator

from dalsegno.config import config, field
from dalsegno.errors import Problem
from dalsegno.experiments.tasks.distance_task import DistanceTaskConfig
from dalsegno.experiments.tasks.evaluators.binary_segmentation_evaluator import BinarySegmentationEvaluator
from dalsegno.experiments.tasks.losses.mse_loss import MSELoss
from dalsegno.experiments.tasks.post_processors.threshold_post_processor import ThresholdPostProcessor
from dalsegno.experiments.tasks.predictors.inner_distance_predictor import InnerDistancePredictor
from dalsegno.experiments.tasks.task import Task, distinct_numbers, share_problems, threshold_problems

__all__ = ["InnerDistanceTask", "InnerDistanceTaskConfig"]


@config
class InnerDistanceTaskConfig(DistanceTaskConfig):
    """Learn the distance of each voxel of a structure to its boundary, 0 outside; above a threshold is foreground."""

    thresholds: tuple[float, ...] = field(
        help="Thresholds that a validation tries, between 0 and 1.",
        default=(0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6),
        check=distinct_numbers,
    )

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong with the bounds and the thresholds."""
        yield from share_problems(self, "clipmin", "clipmax")
        yield from threshold_problems(self.thresholds, 0, 1, "inner distances")


class InnerDistanceTask(Task):
    """Inner distances, their squared error, thresholds, and binary scores of each channel."""

    def __init__(self, task_config: InnerDistanceTaskConfig) -> None:
        self.predictor = task_config.distances(InnerDistancePredictor)
        self.loss = MSELoss()
        self.post_processor = ThresholdPostProcessor(task_config.thresholds, bounds=(0.0, 1.0))
        self.evaluator = BinarySegmentationEvaluator(
            task_config.clip_distance, task_config.tol_distance, task_config.channels
        )


InnerDistanceTaskConfig.task_type = InnerDistanceTask
