"""What reopens a source in another process: plain values."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

from dalsegno.sources.errors import SourceError

__all__ = ["SourceSpec"]


@dataclass
class SourceSpec:
    """Everything that reopens a source elsewhere, as plain values: it can be pickled, and written as JSON or YAML.

    Attributes
    ----------
    kind
        Which kind of source it is: ``"file"``, ``"zarr"``, or one that was registered.
    path
        Absolute path or URL of the container.
    internal_path
        Name of the array inside the container.
    params
        What else is needed: None, booleans, numbers, texts, and lists and dicts of these. Tuples become lists.
    wrapped
        The source that this one is a view of, or several.

    Raises
    ------
    SourceError
        If a parameter is no plain value; a `ValueError`.
    """

    kind: str
    path: str | None = None
    internal_path: str | None = None
    params: dict[str, Any] = field(default_factory=dict)
    wrapped: "SourceSpec | list[SourceSpec] | None" = None

    def __post_init__(self) -> None:
        self.params = {name: _plain(value, f"{self.kind} {name}") for name, value in self.params.items()}

    def to_dict(self) -> dict[str, Any]:
        """Return the spec as a dict of plain values, for JSON or YAML."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return the spec that `to_dict` wrote.

        Raises
        ------
        SourceError
            If there is no kind, or a key that specs don't have; a `ValueError`.
        """
        known = [one.name for one in fields(cls)]
        if not isinstance(data, Mapping) or "kind" not in data or not set(data) <= set(known):
            given = sorted(map(str, data)) if isinstance(data, Mapping) else repr(data)
            raise SourceError(
                f"{given} is no spec of a source: the keys of one are {', '.join(known)}, and 'kind' is always given"
            )
        wrapped = data.get("wrapped")
        if wrapped is not None:
            wrapped = [cls.from_dict(one) for one in wrapped] if isinstance(wrapped, list) else cls.from_dict(wrapped)
        return cls(**{**data, "wrapped": wrapped})


def _plain(value: Any, what: str) -> Any:
    if isinstance(value, (list, tuple)):
        return [_plain(one, what) for one in value]
    if isinstance(value, dict) and all(type(name) is str for name in value):
        return {name: _plain(one, f"{what}.{name}") for name, one in value.items()}
    if value is None or type(value) in (bool, int, float, str):
        return value
    raise SourceError(
        f"{what} is {value!r} ({type(value).__name__}), which another process could not be told; give None, booleans, "
        "numbers, texts, or lists and dicts of these"
    )
