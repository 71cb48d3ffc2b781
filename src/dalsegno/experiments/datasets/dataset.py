"""What belongs together: raw intensities, their ground truth, and where it is annotated."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from funlib.geometry import Coordinate

from dalsegno.arrays.array import Array, ArrayConfig
from dalsegno.config import Config, config, field, positive

__all__ = ["Dataset", "DatasetConfig"]


@config
class DatasetConfig(Config):
    """Base of the configs of datasets."""

    kind = "dataset"
    dataset_type: ClassVar[type["Dataset"]]

    name: str = field(help="Name of the dataset; scores are listed under it.")
    weight: int = field(
        help="How often samples are drawn from it, relative to the other datasets.", default=1, check=positive
    )


class Dataset(ABC):
    """Arrays that belong together.

    Attributes
    ----------
    name
        Name of the dataset.
    raw
        Intensities, float32, axes (c?, *spatial).
    raw_config
        The config of the file or view that `raw` was made of, as it was given.
    gt
        Labels, integers, axes (c?, *spatial); None where there are none.
    mask
        Where the labels count: above 0; None means everywhere.
    weight
        How often it is sampled, relative to the other datasets.
    sample_points
        World coordinates of places that training samples are centred on; None means anywhere.
    """

    name: str
    raw: Array
    raw_config: ArrayConfig
    gt: Array | None
    mask: Array | None
    weight: int
    sample_points: tuple[Coordinate, ...] | None

    @abstractmethod
    def __init__(self, dataset_config: Any) -> None:
        """Open the arrays."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"
