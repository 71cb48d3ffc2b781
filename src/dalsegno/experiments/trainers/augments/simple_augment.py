"""Mirroring and transposing."""

from typing import Any

import numpy as np

from dalsegno.config import config, field
from dalsegno.experiments.trainers._gunpowder import gp
from dalsegno.experiments.trainers.augments.augment_config import AugmentConfig, probability

__all__ = ["SimpleAugmentConfig"]


@config
class SimpleAugmentConfig(AugmentConfig):
    """Mirror along every axis and transpose axes of equal voxel size, at random."""

    augmentation_probability: float = field(help="How often it is applied.", default=1.0, check=probability)

    def node(self, _raw_key: Any = None, _gt_key: Any = None, _mask_key: Any = None) -> Any:
        """Return the gunpowder node."""
        return _MirrorTranspose(p=self.augmentation_probability)


class _MirrorTranspose(gp.SimpleAugment):  # type: ignore[misc]
    """gunpowder's node, kept to axes that look alike, with arrays that torch can take."""

    def setup(self) -> None:
        sizes = [spec.voxel_size for spec in self.spec.array_specs.values()]
        groups = [
            [axis for axis in range(size.dims) if all(other[axis] == other[first] for other in sizes)]
            for size in sizes[:1]
            for first in range(size.dims)
        ]
        self.transpose_only = max(groups, key=len)
        super().setup()

    def process(self, batch: Any, request: Any) -> None:
        super().process(batch, request)
        for array in batch.arrays.values():
            array.data = np.ascontiguousarray(array.data)
