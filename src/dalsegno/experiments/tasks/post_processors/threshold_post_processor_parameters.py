"""One threshold."""

from attrs import frozen

from dalsegno.experiments.tasks.post_processors.post_processor_parameters import PostProcessorParameters

__all__ = ["ThresholdPostProcessorParameters"]


@frozen
class ThresholdPostProcessorParameters(PostProcessorParameters):
    """A threshold on the raw output of the network.

    Attributes
    ----------
    threshold
        Voxels above it are foreground.
    """

    threshold: float = 0.0
