"""Segments structures by their distance to the nearest boundary."""

from collections.abc import Iterator
from typing import ClassVar, TypeVar

from dalsegno.config import config, field, positive
from dalsegno.errors import Problem
from dalsegno.experiments.tasks.evaluators.binary_segmentation_evaluator import BinarySegmentationEvaluator
from dalsegno.experiments.tasks.losses.mse_loss import MSELoss
from dalsegno.experiments.tasks.post_processors.threshold_post_processor import ThresholdPostProcessor
from dalsegno.experiments.tasks.predictors.distance_predictor import DistancePredictor
from dalsegno.experiments.tasks.task import (
    Task,
    TaskConfig,
    distinct_names,
    distinct_numbers,
    positive_length,
    share_problems,
    threshold_problems,
)
from dalsegno.units import Length

__all__ = ["DistanceTask", "DistanceTaskConfig"]

P = TypeVar("P", bound=DistancePredictor)


@config
class DistanceTaskConfig(TaskConfig):
    """Learn the signed distance of each voxel to the nearest boundary; above a threshold is foreground."""

    task_type: ClassVar[type[Task]]

    channels: tuple[str, ...] = field(help="Names of the structures, one channel each.", check=distinct_names)
    clip_distance: Length = field(
        help="Errors count as at most this far from the truth in clipped mean distances.", check=positive_length
    )
    tol_distance: Length = field(
        help="Errors this near to the truth are none in scores with tolerance.", check=positive_length
    )
    scale_factor: Length = field(
        help="The network learns tanh(distance / scale_factor).", default=1.0, check=positive_length
    )
    mask_distances: bool = field(
        help="Leave out voxels to which an unseen boundary beyond the labels may be the nearest.", default=True
    )
    in_plane: bool = field(
        help="Measure distances within each section, for networks that see sections one by one.", default=False
    )
    clipmin: float = field(help="Least share of a class when classes are balanced.", default=0.05, check=positive)
    clipmax: float = field(help="Largest share of a class when classes are balanced.", default=0.95, check=positive)
    thresholds: tuple[float, ...] = field(
        help="Thresholds that a validation tries, between -1 and 1.",
        default=(-0.4, -0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3, 0.4),
        check=distinct_numbers,
    )

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong with the bounds and the thresholds."""
        yield from share_problems(self, "clipmin", "clipmax")
        yield from threshold_problems(self.thresholds, -1, 1, "tanh distances")

    def distances(self, predictor: type[P]) -> P:
        """Return the predictor of these distances, of a class of `DistancePredictor`."""
        return predictor(
            channels=self.channels,
            scale_factor=self.scale_factor,
            mask_distances=self.mask_distances,
            in_plane=self.in_plane,
            clipmin=self.clipmin,
            clipmax=self.clipmax,
        )


class DistanceTask(Task):
    """Distances, their squared error, thresholds, and binary scores of each channel."""

    def __init__(self, task_config: DistanceTaskConfig) -> None:
        self.predictor = task_config.distances(DistancePredictor)
        self.loss = MSELoss()
        self.post_processor = ThresholdPostProcessor(task_config.thresholds, bounds=(-1.0, 1.0))
        self.evaluator = BinarySegmentationEvaluator(
            task_config.clip_distance, task_config.tol_distance, task_config.channels
        )


DistanceTaskConfig.task_type = DistanceTask
