"""Segments structures by their distance to the nearest boundary."""

from collections.abc import Iterator
from typing import ClassVar

from dalsegno.config import config, field
from dalsegno.errors import Problem
from dalsegno.experiments.tasks import distance_fields as shared
from dalsegno.experiments.tasks.losses.mse_loss import MSELoss
from dalsegno.experiments.tasks.post_processors.threshold_post_processor import ThresholdPostProcessor
from dalsegno.experiments.tasks.predictors.distance_predictor import DistancePredictor
from dalsegno.experiments.tasks.task import Task, TaskConfig, distinct_numbers
from dalsegno.units import Length

__all__ = ["DistanceTask", "DistanceTaskConfig"]

BOUNDS = (-1.0, 1.0)


@config
class DistanceTaskConfig(TaskConfig):
    """Learn the signed distance of each voxel to the nearest boundary; above a threshold is foreground."""

    task_type: ClassVar[type[Task]]

    channels: tuple[str, ...] = shared.CHANNELS
    clip_distance: Length = shared.CLIP_DISTANCE
    tol_distance: Length = shared.TOL_DISTANCE
    scale_factor: Length = shared.SCALE_FACTOR
    mask_distances: bool = field(
        help="Leave out voxels to which an unseen boundary beyond the labels may be the nearest.", default=True
    )
    in_plane: bool = shared.IN_PLANE
    clipmin: float = shared.CLIPMIN
    clipmax: float = shared.CLIPMAX
    thresholds: tuple[float, ...] = field(
        help="Thresholds that a validation tries, between -1 and 1.",
        default=(-0.4, -0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3, 0.4),
        check=distinct_numbers,
    )
    criteria: tuple[str, ...] = shared.CRITERIA

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong with the bounds and the thresholds."""
        yield from shared.distance_problems(self, self.thresholds, BOUNDS)


class DistanceTask(Task):
    """Distances, their squared error, thresholds, and binary scores of each channel."""

    def __init__(self, task_config: DistanceTaskConfig) -> None:
        self.predictor = shared.distance_predictor(task_config, DistancePredictor)
        self.loss = MSELoss()
        self.post_processor = ThresholdPostProcessor(task_config.thresholds, bounds=BOUNDS)
        self.evaluator = shared.distance_evaluator(task_config)


DistanceTaskConfig.task_type = DistanceTask
