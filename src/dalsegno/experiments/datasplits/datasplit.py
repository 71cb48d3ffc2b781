"""Which datasets train and which judge."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from dalsegno.config import Config, config, field
from dalsegno.experiments.datasets.dataset import Dataset

__all__ = ["DataSplit", "DataSplitConfig"]


@config
class DataSplitConfig(Config):
    """Base of the configs of data splits."""

    kind = "datasplit"
    datasplit_type: ClassVar[type["DataSplit"]]

    name: str = field(help="Name to store the split under.", default="")


class DataSplit(ABC):
    """Datasets by their use.

    Attributes
    ----------
    train
        Datasets that training samples are drawn from.
    validate
        Datasets that are predicted and scored.
    """

    train: list[Dataset]
    validate: list[Dataset]

    @abstractmethod
    def __init__(self, datasplit_config: Any) -> None:
        """Open the datasets."""
