"""Gamma correction."""

from typing import Any

import numpy as np

from dalsegno.config import config, field
from dalsegno.experiments.trainers._gunpowder import gp
from dalsegno.experiments.trainers.augments.augment_config import AugmentConfig

__all__ = ["GammaAugmentConfig"]


def _range(value: tuple[float, float]) -> str | None:
    return None if 0 < value[0] <= value[1] else f"must be (low, high) with 0 < low <= high, got {value}"


@config
class GammaAugmentConfig(AugmentConfig):
    """Raise intensities to a random power, within the range of each sample."""

    gamma_range: tuple[float, float] = field(help="Lowest and highest power; 1 changes nothing.", check=_range)

    def node(self, raw_key: Any, _gt_key: Any = None, _mask_key: Any = None) -> Any:
        """Return the gunpowder node."""
        return _Gamma(raw_key, self.gamma_range)


class _Gamma(gp.BatchFilter):  # type: ignore[misc]
    def __init__(self, key: Any, gamma_range: tuple[float, float]) -> None:
        self.key = key
        self.gamma_range = gamma_range

    def process(self, batch: Any, request: Any) -> None:  # noqa: ARG002 - gunpowder passes it
        raw = batch[self.key].data
        # powers are drawn from log-space: 1/2 and 2 are equally far from no change
        gamma = np.exp(np.random.uniform(*np.log(self.gamma_range)))  # noqa: NPY002 - gunpowder seeds this generator
        low, high = raw.min(), raw.max()
        if high > low:
            batch[self.key].data = (((raw - low) / (high - low)) ** gamma * (high - low) + low).astype(np.float32)
