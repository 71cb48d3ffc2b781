"""Everything that keeps something, opened together."""

from pathlib import Path

from attrs import frozen

from dalsegno.errors import ConfigError
from dalsegno.store.array_store import ArrayStore, FileArrayStore
from dalsegno.store.config_store import ConfigStore, FileConfigStore
from dalsegno.store.options import Options
from dalsegno.store.stats_store import FileStatsStore, StatsStore
from dalsegno.store.weights_store import FileWeightsStore, WeightsStore

__all__ = ["Stores", "open_stores"]


@frozen
class Stores:
    """The stores of one place.

    Attributes
    ----------
    root
        Folder where they keep what is kept in files, absolute.
    configs, stats, weights, arrays
        What they keep.
    """

    root: Path
    configs: ConfigStore
    stats: StatsStore
    weights: WeightsStore
    arrays: ArrayStore


def open_stores(options: Options) -> Stores:
    """Return the stores that the options name; folders are made when something is written.

    Raises
    ------
    ConfigError
        If the store is no local folder.
    """
    if "://" in str(options.store):
        raise ConfigError(
            f"the store {options.store} is no local folder, and files can't be replaced whole elsewhere; "
            f"choose a folder (store: in dalsegno.yaml, or DALSEGNO_STORE)"
        )
    root = Path(str(options.store)).absolute()
    return Stores(root, FileConfigStore(root), FileStatsStore(root), FileWeightsStore(root), FileArrayStore(root))
