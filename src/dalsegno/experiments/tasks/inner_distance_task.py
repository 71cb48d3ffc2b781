"""Segments structures by the distance of their voxels to the boundary."""

from collections.abc import Iterator
from typing import ClassVar

from dalsegno.config import config, field
from dalsegno.errors import Problem
from dalsegno.experiments.tasks import distance_fields as shared
from dalsegno.experiments.tasks.losses.mse_loss import MSELoss
from dalsegno.experiments.tasks.post_processors.threshold_post_processor import ThresholdPostProcessor
from dalsegno.experiments.tasks.predictors.inner_distance_predictor import InnerDistancePredictor
from dalsegno.experiments.tasks.task import Task, TaskConfig, distinct_numbers
from dalsegno.units import Length

__all__ = ["InnerDistanceTask", "InnerDistanceTaskConfig"]

BOUNDS = (0.0, 1.0)


@config
class InnerDistanceTaskConfig(TaskConfig):
    """Learn the distance of each voxel of a structure to its boundary, 0 outside; above a threshold is foreground."""

    task_type: ClassVar[type[Task]]

    channels: tuple[str, ...] = shared.CHANNELS
    clip_distance: Length = shared.CLIP_DISTANCE
    tol_distance: Length = shared.TOL_DISTANCE
    scale_factor: Length = shared.SCALE_FACTOR
    mask_distances: bool = field(
        help="Leave out voxels of structures to which an unseen boundary beyond the labels may be the nearest.",
        default=True,
    )
    in_plane: bool = shared.IN_PLANE
    clipmin: float = shared.CLIPMIN
    clipmax: float = shared.CLIPMAX
    thresholds: tuple[float, ...] = field(
        help="Thresholds that a validation tries, between 0 and 1.",
        default=(0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6),
        check=distinct_numbers,
    )
    criteria: tuple[str, ...] = shared.CRITERIA

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong with the bounds and the thresholds."""
        yield from shared.distance_problems(self, self.thresholds, BOUNDS)


class InnerDistanceTask(Task):
    """Inner distances, their squared error, thresholds, and binary scores of each channel."""

    def __init__(self, task_config: InnerDistanceTaskConfig) -> None:
        self.predictor = shared.distance_predictor(task_config, InnerDistancePredictor)
        self.loss = MSELoss()
        self.post_processor = ThresholdPostProcessor(task_config.thresholds, bounds=BOUNDS)
        self.evaluator = shared.distance_evaluator(task_config)


InnerDistanceTaskConfig.task_type = InnerDistanceTask
