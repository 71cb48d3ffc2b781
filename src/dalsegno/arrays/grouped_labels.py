"""What views with one binary channel for each class have in common: classes are groups of labels."""

from collections.abc import Iterator

from dalsegno.arrays.array_config import ArrayConfig
from dalsegno.arrays.binary_voxels import BinaryVoxels
from dalsegno.config import config, field
from dalsegno.errors import Problem

__all__ = ["GroupedLabels", "LabelGroups"]


@config
class LabelGroups:
    """Labels, and the classes that they make up; named before `ArrayConfig` among the bases of a config."""

    source_array_config: ArrayConfig = field(help="Labels: integers, no channel axis or one channel.")
    groupings: tuple[tuple[str, tuple[int, ...]], ...] = field(
        help="Name of each class with the ids that make it up; no ids means all but the background."
    )

    def problems(self) -> Iterator[Problem]:
        """Yield a problem if there are no classes, or two of one name."""
        names = [name for name, _ in self.groupings]
        if not names:
            yield Problem("there are no classes; write [[name, [ids]], …]", ("groupings",))
        for position, name in enumerate(names):
            if name in names[:position]:
                yield Problem(f"the class {name!r} is there already; give each its own name", ("groupings", position))


class GroupedLabels(BinaryVoxels):
    """One channel for each group of `config`; named before `ArrayView` among the bases of a view."""

    config: LabelGroups

    @property
    def num_channels(self) -> int:
        """One for each class."""
        return len(self.config.groupings)

    @property
    def channels(self) -> list[str]:
        """Names of the classes."""
        return [name for name, _ in self.config.groupings]
