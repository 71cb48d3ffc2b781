"""The network that a run trains: the body of an architecture with the head of a task."""

import torch
from funlib.geometry import Coordinate
from torch import Tensor, nn

from dalsegno.experiments.architectures.architecture import Architecture

__all__ = ["Model"]


class Model(nn.Module):
    """An architecture with a prediction head. The weights stay as the two bring them.

    Parameters
    ----------
    architecture
        From raw data to features.
    prediction_head
        From ``(batch, architecture.num_out_channels, ...)`` to the channels of the task.
    eval_activation
        Applied to what the head gives, in evaluation mode only: losses on logits don't want it in training.
    """

    def __init__(
        self, architecture: Architecture, prediction_head: nn.Module, eval_activation: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.architecture = architecture
        self.prediction_head = prediction_head
        self.eval_activation = eval_activation
        self._shapes: dict[Coordinate, tuple[int, Coordinate]] = {}

    @property
    def num_in_channels(self) -> int:
        """Channels of the raw data."""
        return self.architecture.num_in_channels

    @property
    def num_out_channels(self) -> int:
        """Channels of the prediction."""
        return self._channels_and_shape(self.input_shape)[0]

    @property
    def input_shape(self) -> Coordinate:
        """Spatial shape of a training sample, in voxels."""
        return self.architecture.input_shape

    @property
    def eval_input_shape(self) -> Coordinate:
        """Spatial shape of what is predicted at once, in voxels."""
        return self.architecture.input_shape + self.architecture.eval_shape_increase

    @property
    def output_shape(self) -> Coordinate:
        """Spatial shape that comes out for a training sample, in voxels of the output."""
        return self.compute_output_shape(self.input_shape)

    def compute_output_shape(self, input_shape: Coordinate) -> Coordinate:
        """Return the spatial shape that comes out for one that goes in, in voxels of the output.

        Raises
        ------
        DataError
            If the architecture can say that the shape does not go through.
        """
        return self._channels_and_shape(input_shape)[1]

    def scale(self, voxel_size: Coordinate) -> Coordinate:
        """Return the voxel size of the output for that of the input."""
        return self.architecture.scale(voxel_size)

    def forward(self, x: Tensor) -> Tensor:
        """Take ``(batch, num_in_channels, ...)`` to ``(batch, num_out_channels, ...)``."""
        y: Tensor = self.prediction_head(self.architecture(x))
        if self.eval_activation is not None and not self.training:
            y = self.eval_activation(y)
        return y

    def _channels_and_shape(self, input_shape: Coordinate) -> tuple[int, Coordinate]:
        input_shape = Coordinate(input_shape)
        if input_shape not in self._shapes:
            # On the meta device, shapes are worked out without values: no memory, no time, no effect on the state.
            state = {name: value.to("meta") for name, value in (*self.named_parameters(), *self.named_buffers())}
            x = torch.empty((1, self.num_in_channels, *input_shape), device="meta")
            with torch.no_grad():
                channels, *shape = torch.func.functional_call(self, state, (x,)).shape[1:]
            self._shapes[input_shape] = channels, Coordinate(shape)
        return self._shapes[input_shape]
