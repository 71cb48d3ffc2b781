"""The last convolution of a network, from its features to the channels of a task."""

from torch import nn

from dalsegno.errors import ConfigError
from dalsegno.experiments.architectures.architecture import Architecture
from dalsegno.experiments.model import Model
from dalsegno.nets.conv import conv
from dalsegno.nets.unet_plan import Padding

__all__ = ["head"]


def head(architecture: Architecture, num_channels: int, kernel_size: int = 1) -> nn.Module:
    """Return a convolution to so many channels.

    It pads if the architecture keeps the shape of its input, and is flat along axes of which a single voxel is
    left.

    Parameters
    ----------
    architecture
        Makes the features.
    num_channels
        Of the prediction.
    kernel_size
        Voxels along each axis, odd.

    Raises
    ------
    ConfigError
        If the kernel is larger than the features that it has to go through.
    """
    if kernel_size == 1:
        return conv(architecture.num_out_channels, num_channels, (1,) * architecture.dims)
    features = Model(architecture, nn.Identity()).output_shape
    kernel = tuple(kernel_size if length > 1 else 1 for length in features)
    padding: Padding = "same" if features == architecture.input_shape else "valid"
    least = min((length for length in features if length > 1), default=kernel_size)
    if padding == "valid" and kernel_size > least:
        sizes, given = (" x ".join(map(str, shape)) for shape in (features, architecture.input_shape))
        raise ConfigError(
            f"kernel_size {kernel_size} is larger than the {sizes} voxels of features that the network makes of an "
            f"input_shape of {given}: nothing would come out of the last convolution; give {least - 1 + least % 2} or "
            "less, or a larger input_shape"
        )
    return conv(architecture.num_out_channels, num_channels, kernel, padding=padding)
