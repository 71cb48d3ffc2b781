"""The only setting of the argmax."""

from attrs import frozen

from dalsegno.experiments.tasks.post_processors.post_processor_parameters import PostProcessorParameters

__all__ = ["ArgmaxPostProcessorParameters"]


@frozen
class ArgmaxPostProcessorParameters(PostProcessorParameters):
    """Nothing to choose."""

    def __str__(self) -> str:
        return "argmax"
