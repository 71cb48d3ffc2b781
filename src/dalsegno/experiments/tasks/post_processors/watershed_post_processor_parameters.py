"""One setting of the watershed."""

from typing import Any

from attrs import asdict, field, frozen
from funlib.geometry import Coordinate

from dalsegno.config import coordinate
from dalsegno.experiments.tasks.post_processors.post_processor_parameters import PostProcessorParameters

__all__ = ["WatershedPostProcessorParameters"]


@frozen
class WatershedPostProcessorParameters(PostProcessorParameters):
    """How affinities become segments.

    Attributes
    ----------
    bias
        Affinities above it attract, those below repel; smaller ones make fewer and larger segments.
    sigma
        Standard deviation in voxels of the Gaussian that smooths the affinities; 0 leaves them as they are.
    min_size
        Segments of fewer voxels become background.
    expansion
        Distance in voxels by which segments then grow into the background around them.
    context
        Voxels around a block that are segmented with it, where a volume is segmented block by block; of more
        numbers than axes, the last ones count.
    """

    bias: float = 0.5
    sigma: float = 0.0
    min_size: int = 0
    expansion: float = 0.0
    context: Coordinate = field(default=Coordinate(32, 32, 32), converter=coordinate)

    def as_dict(self) -> dict[str, Any]:
        """Return the parameters by name, as plain values; the context as a list."""
        return asdict(self) | {"context": [int(size) for size in self.context]}

    def __str__(self) -> str:
        context = "x".join(map(str, self.context))
        grown = f"min_size_{self.min_size}_expansion_{self.expansion}"
        return f"bias_{self.bias}_sigma_{self.sigma}_{grown}_context_{context}"
