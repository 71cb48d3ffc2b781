"""Some datasets train, others judge."""

from collections import Counter
from collections.abc import Iterator
from typing import ClassVar

from dalsegno.config import config, field
from dalsegno.errors import Problem
from dalsegno.experiments.datasets.dataset import DatasetConfig
from dalsegno.experiments.datasplits.datasplit import DataSplit, DataSplitConfig

__all__ = ["TrainValidateDataSplit", "TrainValidateDataSplitConfig"]


@config
class TrainValidateDataSplitConfig(DataSplitConfig):
    """Some datasets train, others judge."""

    datasplit_type: ClassVar[type[DataSplit]]

    train_configs: tuple[DatasetConfig, ...] = field(help="Datasets that training samples are drawn from.")
    validate_configs: tuple[DatasetConfig, ...] = field(help="Datasets that are predicted and scored.", default=())

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong: no training data, or two datasets of one name."""
        if not self.train_configs:
            yield Problem("holds no dataset; training needs at least one", ("train_configs",))
        for role in ("train_configs", "validate_configs"):
            counts = Counter(dataset.name for dataset in getattr(self, role))
            for name in (name for name, count in counts.items() if count > 1):
                yield Problem(f"{counts[name]} datasets are named {name!r}; give each its own name", (role,))


class TrainValidateDataSplit(DataSplit):
    """Some datasets train, others judge."""

    def __init__(self, datasplit_config: TrainValidateDataSplitConfig) -> None:
        self.train = [dataset.dataset_type(dataset) for dataset in datasplit_config.train_configs]
        self.validate = [dataset.dataset_type(dataset) for dataset in datasplit_config.validate_configs]


TrainValidateDataSplitConfig.datasplit_type = TrainValidateDataSplit
