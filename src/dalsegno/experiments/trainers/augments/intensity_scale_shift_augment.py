"""A fixed change of intensities."""

from typing import Any

from dalsegno.config import config, field
from dalsegno.experiments.trainers._gunpowder import gp
from dalsegno.experiments.trainers.augments.augment_config import AugmentConfig

__all__ = ["IntensityScaleShiftAugmentConfig"]


@config
class IntensityScaleShiftAugmentConfig(AugmentConfig):
    """Multiply intensities by `scale`, then add `shift`: -1 … 1 from 0 … 1 with scale 2 and shift -1."""

    scale: float = field(help="Factor.")
    shift: float = field(help="What is added after scaling.")

    def node(self, raw_key: Any, _gt_key: Any = None, _mask_key: Any = None) -> Any:
        """Return the gunpowder node."""
        return gp.IntensityScaleShift(raw_key, self.scale, self.shift)
