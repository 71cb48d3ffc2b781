"""One setting of a post-processor."""

from typing import Any

from attrs import asdict, frozen

__all__ = ["PostProcessorParameters"]


@frozen
class PostProcessorParameters:
    """Base of the settings of all post-processors: immutable, equal if their values are.

    As text they name the setting (``"threshold_0.1"``), fit to be part of a path.

    Attributes
    ----------
    id
        Position among the settings that the post-processor enumerates.
    """

    id: int

    @property
    def parameter_names(self) -> list[str]:
        """Names of the parameters, `id` first."""
        return list(self.as_dict())

    def as_dict(self) -> dict[str, Any]:
        """Return the parameters by name, as plain values."""
        return asdict(self)

    def __str__(self) -> str:
        values = [f"{name}_{value}" for name, value in self.as_dict().items() if name != "id"]
        return "_".join(values) or f"id_{self.id}"
