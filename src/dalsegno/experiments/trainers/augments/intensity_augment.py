"""Random contrast and brightness."""

from typing import Any

from dalsegno.config import config, field
from dalsegno.errors import DataError
from dalsegno.experiments.trainers._gunpowder import gp
from dalsegno.experiments.trainers.augments.augment_config import AugmentConfig, probability

__all__ = ["IntensityAugmentConfig"]


def _ordered(value: tuple[float, float]) -> str | None:
    return None if value[0] <= value[1] else f"must be (low, high) with low <= high, got {value}"


@config
class IntensityAugmentConfig(AugmentConfig):
    """Scale intensities around their mean and shift them, at random."""

    scale: tuple[float, float] = field(help="Lowest and highest factor on the distance from the mean.", check=_ordered)
    shift: tuple[float, float] = field(help="Lowest and highest amount that is added.", check=_ordered)
    clip: bool = field(help="Keep the result within 0 … 1; needs raw in that range.", default=True)
    augmentation_probability: float = field(help="How often it is applied.", default=1.0, check=probability)

    def node(self, raw_key: Any, _gt_key: Any = None, _mask_key: Any = None) -> Any:
        """Return the gunpowder node."""
        return _Intensity(raw_key, *self.scale, *self.shift, clip=self.clip, p=self.augmentation_probability)


class _Intensity(gp.IntensityAugment):  # type: ignore[misc]
    """gunpowder's node, with an error that says what to do about values that clipping would cut off."""

    def process(self, batch: Any, request: Any) -> None:
        raw = batch[self.array].data
        if self.clip and not (raw.min() >= 0 and raw.max() <= 1):
            raise DataError(
                f"IntensityAugment with clip: true needs raw in 0 … 1, and it holds {raw.min():.3g} … {raw.max():.3g}: "
                "set clip: false, or scale raw with IntensitiesArray"
            )
        super().process(batch, request)
