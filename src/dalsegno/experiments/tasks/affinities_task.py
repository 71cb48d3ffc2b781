"""Segments objects by asking which neighbouring voxels belong together."""

from collections.abc import Iterator
from typing import ClassVar

from funlib.geometry import Coordinate

from dalsegno.config import config, field, not_negative, positive
from dalsegno.errors import Problem
from dalsegno.experiments.tasks.evaluators.instance_evaluator import InstanceEvaluator
from dalsegno.experiments.tasks.losses.affinities_loss import AffinitiesLoss
from dalsegno.experiments.tasks.post_processors.post_processor import cut_problem
from dalsegno.experiments.tasks.post_processors.watershed_post_processor import BOUNDS, WatershedPostProcessor
from dalsegno.experiments.tasks.predictors.affinities_predictor import AffinitiesPredictor
from dalsegno.experiments.tasks.predictors.shape_descriptors import ShapeDescriptors
from dalsegno.experiments.tasks.task import Task, TaskConfig, distinct_numbers, share, share_problems

__all__ = ["AffinitiesTask", "AffinitiesTaskConfig"]

CONTEXT = 32
LARGEST_SIGMA = 100


@config
class AffinitiesTaskConfig(TaskConfig):
    """Learn which neighbouring voxels belong to the same object; a mutex watershed joins them to instances."""

    task_type: ClassVar[type[Task]]

    neighborhood: tuple[Coordinate, ...] = field(
        help="Offsets from a voxel to the neighbours it is compared with, in voxels per axis, of either sign: those of "
        "the nearest voxels join objects, longer ones keep them apart."
    )
    lsds: bool = field(
        help="Learn local shape descriptors beside the affinities: those of each section where no offset leaves it.",
        default=False,
    )
    num_lsd_voxels: int = field(
        help="Standard deviation of the Gaussian in which shapes are described, in voxels of their longest edge.",
        default=10,
        check=positive,
    )
    downsample_lsds: int = field(
        help="Describe shapes in cells of so many voxels along each axis: quicker, and coarser.",
        default=1,
        check=positive,
    )
    lsds_to_affs_weight_ratio: float = field(
        help="Weight of the descriptors' loss against that of the affinities.", default=1.0, check=not_negative
    )
    background_as_object: bool = field(help="Take the background for one more object.", default=False)
    affs_weight_clipmin: float = field(
        help="Least share of a class when joined and parted voxels are balanced.", default=0.05, check=positive
    )
    affs_weight_clipmax: float = field(
        help="Largest share of a class when joined and parted voxels are balanced.", default=0.95, check=positive
    )
    lsd_weight_clipmin: float = field(
        help="Least share of a class when objects and background are balanced for descriptors.",
        default=0.05,
        check=positive,
    )
    lsd_weight_clipmax: float = field(
        help="Largest share of a class when objects and background are balanced for descriptors.",
        default=0.95,
        check=positive,
    )
    dice_weight: float = field(
        help="Share of the affinities' soft Dice loss beside their cross entropy.", default=0.0, check=not_negative
    )
    tversky_beta: float = field(
        help="How much missed affinities count in the Dice loss against false ones, 0 to 1; 0.5: as in Dice.",
        default=0.5,
        check=share,
    )
    biases: tuple[float, ...] = field(
        help="Affinities above which voxels attract each other, tried by a validation, between 0 and 1.",
        default=(0.1, 0.25, 0.5, 0.75, 0.9),
        check=distinct_numbers,
    )
    sigmas: tuple[float, ...] = field(
        help="Widths in voxels of Gaussians that smooth affinities, tried by a validation; 0 leaves them.",
        default=(0.0,),
        check=distinct_numbers,
    )
    min_sizes: tuple[int, ...] = field(
        help="Voxels below which an instance is removed, tried by a validation; 0 keeps all.",
        default=(0,),
        check=distinct_numbers,
    )
    expansions: tuple[float, ...] = field(
        help="Voxels by which instances then grow into the background, tried by a validation; 0: not at all.",
        default=(0.0,),
        check=distinct_numbers,
    )
    context: Coordinate | None = field(
        help="Voxels seen around a block when a volume is segmented block by block, one number per axis; "
        f"{CONTEXT} along each if not given.",
        default=None,
        check=lambda value: (
            None if min(value, default=-1) >= 0 else f"needs numbers of 0 or above, one per axis, got {list(value)}"
        ),
    )

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong with the offsets, the bounds and the grid."""
        yield from (Problem(problem, ("neighborhood",)) for problem in _wrong_offsets(self.neighborhood))
        yield from share_problems(self, "affs_weight_clipmin", "affs_weight_clipmax")
        yield from share_problems(self, "lsd_weight_clipmin", "lsd_weight_clipmax")
        if problem := cut_problem(self.biases, BOUNDS):
            yield Problem(problem, ("biases",))
        for name in ("sigmas", "min_sizes", "expansions"):
            if min(getattr(self, name)) < 0:
                yield Problem(f"must be 0 or above, got {getattr(self, name)}", (name,))
        if max(self.sigmas) > LARGEST_SIGMA:
            yield Problem(
                f"must be {LARGEST_SIGMA} voxels or less, got {list(self.sigmas)}: wider Gaussians leave one affinity "
                "everywhere, after a long time",
                ("sigmas",),
            )
        dims = {offset.dims for offset in self.neighborhood}
        if self.context is not None and dims and self.context.dims not in dims:
            yield Problem(
                f"has {self.context.dims} numbers, the offsets have {dims.pop()}: write one per axis", ("context",)
            )


def _wrong_offsets(neighborhood: tuple[Coordinate, ...]) -> Iterator[str]:
    if not neighborhood:
        yield "needs one or more offsets, such as [[0, 0, 1], [0, 1, 0], [1, 0, 0]]"
        return
    if len(dims := sorted({offset.dims for offset in neighborhood})) > 1 or not 2 <= dims[0] <= 3:
        yield f"needs offsets of 2 numbers each, or of 3, one per axis of the data; got some of {dims}"
    if repeated := [tuple(offset) for offset in dict.fromkeys(neighborhood) if neighborhood.count(offset) > 1]:
        yield f"each offset can stand once, got {repeated} several times"
    if any(not any(offset) for offset in neighborhood):
        yield "an offset of zeros compares a voxel with itself; remove it"


class AffinitiesTask(Task):
    """Affinities, their cross entropy, a mutex watershed, and scores of instances."""

    def __init__(self, task_config: AffinitiesTaskConfig) -> None:
        neighborhood = task_config.neighborhood
        self.predictor = AffinitiesPredictor(
            neighborhood=neighborhood,
            descriptors=_descriptors(task_config) if task_config.lsds else None,
            background_as_object=task_config.background_as_object,
            clipmin=task_config.affs_weight_clipmin,
            clipmax=task_config.affs_weight_clipmax,
        )
        self.loss = AffinitiesLoss(
            len(neighborhood),
            task_config.lsds_to_affs_weight_ratio,
            dice_weight=task_config.dice_weight,
            tversky_beta=task_config.tversky_beta,
        )
        self.post_processor = WatershedPostProcessor(
            offsets=neighborhood,
            biases=task_config.biases,
            sigmas=task_config.sigmas,
            min_sizes=task_config.min_sizes,
            expansions=task_config.expansions,
            context=task_config.context or Coordinate((CONTEXT,) * neighborhood[0].dims),
        )
        self.evaluator = InstanceEvaluator(background_as_object=task_config.background_as_object)


def _descriptors(task_config: AffinitiesTaskConfig) -> ShapeDescriptors:
    neighborhood = task_config.neighborhood
    return ShapeDescriptors(
        num_voxels=task_config.num_lsd_voxels,
        downsample=task_config.downsample_lsds,
        in_plane=neighborhood[0].dims > 2 and not any(offset[0] for offset in neighborhood),
        clipmin=task_config.lsd_weight_clipmin,
        clipmax=task_config.lsd_weight_clipmax,
    )


AffinitiesTaskConfig.task_type = AffinitiesTask
