"""What changes samples before the network sees them."""

from abc import abstractmethod
from typing import Any

from dalsegno.config import Config, config

__all__ = ["AugmentConfig", "probability"]


@config
class AugmentConfig(Config):
    """Base of the configs of augmentations."""

    kind = "augment"

    def in_units(self, units: str) -> "AugmentConfig":  # noqa: ARG002 - most have no lengths
        """Return the same augmentation with its lengths as numbers of a unit."""
        return self

    @abstractmethod
    def node(self, raw_key: Any, gt_key: Any, mask_key: Any) -> Any:
        """Return the gunpowder node that augments batches.

        Parameters
        ----------
        raw_key, gt_key, mask_key
            Keys of the arrays in the batch.
        """


def probability(value: float) -> str | None:
    """Check that a number is a probability."""
    return None if 0 <= value <= 1 else f"must be a probability from 0 to 1, got {value}"
