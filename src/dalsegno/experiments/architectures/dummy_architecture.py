"""The least architecture there can be, for tests."""

from funlib.geometry import Coordinate
from torch import Tensor

from dalsegno.config import config, field, positive
from dalsegno.experiments.architectures.architecture import Architecture, ArchitectureConfig
from dalsegno.nets.conv import conv

__all__ = ["DummyArchitecture", "DummyArchitectureConfig"]


@config
class DummyArchitectureConfig(ArchitectureConfig):
    """A single 3D convolution. It runs, but no experiment should: `verify` always says no."""

    num_in_channels: int = field(help="Channels that go in.", check=positive)
    num_out_channels: int = field(help="Channels that come out.", check=positive)

    def verify(self) -> tuple[bool, str]:
        """Return False and why."""
        return False, "This is a DummyArchitectureConfig and is never valid"


class DummyArchitecture(Architecture):
    """A single valid convolution of 3 x 3 x 3 voxels.

    Parameters
    ----------
    architecture_config
        Numbers of channels.
    """

    def __init__(self, architecture_config: DummyArchitectureConfig) -> None:
        super().__init__()
        self.channels_in = architecture_config.num_in_channels
        self.channels_out = architecture_config.num_out_channels
        self.conv = conv(self.channels_in, self.channels_out, (3, 3, 3))

    @property
    def input_shape(self) -> Coordinate:
        """Spatial shape of a training sample: 40 x 20 x 20 voxels."""
        return Coordinate(40, 20, 20)

    @property
    def num_in_channels(self) -> int:
        """Channels that go in."""
        return self.channels_in

    @property
    def num_out_channels(self) -> int:
        """Channels that come out."""
        return self.channels_out

    def forward(self, x: Tensor) -> Tensor:
        """Take ``(batch, num_in_channels, z, y, x)`` to ``(batch, num_out_channels, z - 2, y - 2, x - 2)``."""
        y: Tensor = self.conv(x)
        return y


DummyArchitectureConfig.architecture_type = DummyArchitecture
