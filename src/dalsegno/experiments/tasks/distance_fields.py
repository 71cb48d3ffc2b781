"""Fields that the configs of tasks on distances share, and what they say of their predictor."""

from collections.abc import Iterator
from typing import Any, TypeVar

from dalsegno.config import field, positive
from dalsegno.errors import Problem
from dalsegno.experiments.tasks.evaluators.binary_segmentation_evaluator import (
    HEADLINE,
    BinarySegmentationEvaluator,
    known_criteria,
)
from dalsegno.experiments.tasks.post_processors.post_processor import cut_problem
from dalsegno.experiments.tasks.predictors.distance_predictor import DistancePredictor
from dalsegno.experiments.tasks.task import distinct_names, share_problems, tolerance_problems
from dalsegno.units import positive_length

__all__ = [
    "CHANNELS",
    "CLIPMAX",
    "CLIPMIN",
    "CLIP_DISTANCE",
    "CRITERIA",
    "IN_PLANE",
    "SCALE_FACTOR",
    "TOL_DISTANCE",
    "distance_evaluator",
    "distance_predictor",
    "distance_problems",
]

P = TypeVar("P", bound=DistancePredictor)

CHANNELS = field(help="Names of the structures, one channel each.", check=distinct_names)
CLIP_DISTANCE = field(
    help="Errors count as at most this far from the truth in clipped mean distances.", check=positive_length
)
TOL_DISTANCE = field(help="Errors this near to the truth are none in scores with tolerance.", check=positive_length)
SCALE_FACTOR = field(help="The network learns tanh(distance / scale_factor).", default=1.0, check=positive_length)
IN_PLANE = field(
    help="Measure distances within each section, for networks that see sections one by one.", default=False
)
CRITERIA = field(
    help="Scores by which the best iteration and threshold are chosen; those of distance are computed for every "
    "threshold if one of them is named, otherwise for the best ones only.",
    default=HEADLINE,
    check=known_criteria,
)
CLIPMIN = field(help="Least share of a class when classes are balanced.", default=0.05, check=positive)
CLIPMAX = field(help="Largest share of a class when classes are balanced.", default=0.95, check=positive)


def distance_predictor(task_config: Any, predictor: type[P]) -> P:
    """Return the predictor of a class that the fields of a config describe."""
    return predictor(
        channels=task_config.channels,
        scale_factor=task_config.scale_factor,
        mask_distances=task_config.mask_distances,
        in_plane=task_config.in_plane,
        clipmin=task_config.clipmin,
        clipmax=task_config.clipmax,
    )


def distance_evaluator(task_config: Any) -> BinarySegmentationEvaluator:
    """Return the evaluator that the fields of a config describe."""
    return BinarySegmentationEvaluator(
        task_config.clip_distance, task_config.tol_distance, task_config.channels, headline=task_config.criteria
    )


def distance_problems(
    task_config: Any, thresholds: tuple[float, ...], bounds: tuple[float, float]
) -> Iterator[Problem]:
    """Yield what is wrong with bounds and tolerance, and which thresholds no prediction lies at."""
    yield from share_problems(task_config, "clipmin", "clipmax")
    yield from tolerance_problems(task_config)
    if problem := cut_problem(thresholds, bounds):
        yield Problem(problem, ("thresholds",))
