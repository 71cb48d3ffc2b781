"""One setting of the post-processing that does nothing of use."""

from attrs import frozen

from dalsegno.experiments.tasks.post_processors.post_processor_parameters import PostProcessorParameters

__all__ = ["DummyPostProcessorParameters"]


@frozen
class DummyPostProcessorParameters(PostProcessorParameters):
    """A number.

    Attributes
    ----------
    min_size
        What the output is filled with.
    """

    min_size: int
