"""Segments structures by what each voxel is and how far it is from a boundary, learned together."""

from collections.abc import Iterator
from typing import ClassVar

from dalsegno.config import config, field, not_negative, one_of
from dalsegno.errors import Problem
from dalsegno.experiments.tasks import distance_fields as shared
from dalsegno.experiments.tasks.losses.hot_distance_loss import HotDistanceLoss
from dalsegno.experiments.tasks.post_processors.threshold_post_processor import ThresholdPostProcessor
from dalsegno.experiments.tasks.predictors.distance_predictor import DistancePredictor
from dalsegno.experiments.tasks.predictors.hot_distance_predictor import HotDistancePredictor
from dalsegno.experiments.tasks.task import Task, TaskConfig, distinct_numbers, odd, share
from dalsegno.units import Length

__all__ = ["HotDistanceTask", "HotDistanceTaskConfig"]

BOUNDS = {"hot": (0.0, 1.0), "distance": (-1.0, 1.0)}
THRESHOLDS = {
    "hot": (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9),
    "distance": (-0.4, -0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3, 0.4),
}


@config
class HotDistanceTaskConfig(TaskConfig):
    """Learn labels and signed distances of each structure; one of them above a threshold is foreground."""

    task_type: ClassVar[type[Task]]

    channels: tuple[str, ...] = shared.CHANNELS
    clip_distance: Length = shared.CLIP_DISTANCE
    tol_distance: Length = shared.TOL_DISTANCE
    scale_factor: Length = shared.SCALE_FACTOR
    mask_distances: bool = field(
        help="Leave out distances to which an unseen boundary beyond the labels may be the nearest.", default=False
    )
    in_plane: bool = shared.IN_PLANE
    clipmin: float = shared.CLIPMIN
    clipmax: float = shared.CLIPMAX
    kernel_size: int = field(help="Voxels of the last convolution along each axis.", default=3, check=odd)
    segment_by: str = field(
        help="Which half of the prediction is cut at thresholds: distance, or hot (the probability of the label).",
        default="distance",
        check=one_of("distance", "hot"),
    )
    thresholds: tuple[float, ...] | None = field(
        help="Thresholds that a validation tries: between -1 and 1 for distances, -0.4, -0.3, … 0.4 if not given; "
        "between 0 and 1 for labels, 0.1, 0.2, … 0.9 if not given.",
        default=None,
        check=distinct_numbers,
    )
    dice_weight: float = field(
        help="Share of the labels' soft Dice loss beside cross entropy and squared error.",
        default=0.0,
        check=not_negative,
    )
    tversky_beta: float = field(
        help="How much missed voxels count in the Dice loss against false ones, 0 to 1; 0.5: as in Dice.",
        default=0.5,
        check=share,
    )
    criteria: tuple[str, ...] = shared.CRITERIA

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong with the bounds and the thresholds."""
        yield from shared.distance_problems(self, self.thresholds or (), BOUNDS[self.segment_by])


class HotDistanceTask(Task):
    """Labels and distances, cross entropy and squared error, thresholds of one half, and scores of each channel."""

    def __init__(self, task_config: HotDistanceTaskConfig) -> None:
        by, count = task_config.segment_by, len(task_config.channels)
        self.predictor = HotDistancePredictor(
            shared.distance_predictor(task_config, DistancePredictor), task_config.kernel_size
        )
        self.loss = HotDistanceLoss(dice_weight=task_config.dice_weight, tversky_beta=task_config.tversky_beta)
        self.post_processor = ThresholdPostProcessor(
            task_config.thresholds or THRESHOLDS[by],
            bounds=BOUNDS[by],
            channels=tuple(range(count) if by == "hot" else range(count, 2 * count)),
        )
        self.evaluator = shared.distance_evaluator(task_config)


HotDistanceTaskConfig.task_type = HotDistanceTask
