"""What every architecture of a neural network has in common."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from funlib.geometry import Coordinate
from torch import Tensor, nn

from dalsegno.config import Config, config, field

__all__ = ["Architecture", "ArchitectureConfig"]


@config
class ArchitectureConfig(Config):
    """Describes the body of a network: from raw data to features. The task adds the head."""

    kind: ClassVar[str] = "architecture"
    architecture_type: ClassVar[type[Any]]

    name: str = field(default="", help="Name under which the architecture is stored.")


class Architecture(nn.Module, ABC):
    """The body of a network, from raw data to features.

    Takes ``(batch, num_in_channels, ...)`` to ``(batch, num_out_channels, ...)`` with `dims` spatial axes.
    """

    @property
    @abstractmethod
    def input_shape(self) -> Coordinate:
        """Spatial shape of a training sample, in voxels."""

    @property
    def eval_shape_increase(self) -> Coordinate:
        """What `input_shape` grows by in prediction, in voxels; nothing by default."""
        return Coordinate((0,) * self.dims)

    @property
    @abstractmethod
    def num_in_channels(self) -> int:
        """Channels that go in."""

    @property
    @abstractmethod
    def num_out_channels(self) -> int:
        """Feature maps that come out."""

    @property
    def dims(self) -> int:
        """Number of spatial axes."""
        return len(self.input_shape)

    def scale(self, input_voxel_size: Coordinate) -> Coordinate:
        """Return the voxel size of the output for that of the input; the same by default."""
        return input_voxel_size

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """Take ``(batch, num_in_channels, ...)`` to ``(batch, num_out_channels, ...)``."""
