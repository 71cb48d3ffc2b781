"""What describes an array, and how it is found out whether that is true."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from funlib.geometry import Roi

from dalsegno.config import Config, config, field, fields
from dalsegno.errors import ConfigPath, DalsegnoError, Problem

if TYPE_CHECKING:
    from dalsegno.arrays.array import Array

__all__ = ["ArrayConfig", "arrays_in"]


@config
class ArrayConfig(Config):
    """Base of the configs of arrays."""

    kind = "array"
    array_type: ClassVar[Any]  # the class that is built; no forward name: types are looked up when a config is read

    name: str = field(help="Name of the array; shown in messages and pictures.", default="")

    def open(self) -> "Array":
        """Return the array.

        Raises
        ------
        DataError
            If a file is missing or unreadable, or does not fit the config.
        """
        opened: Array = self.array_type(self)
        return opened

    def verify(self) -> tuple[bool, str]:
        """Open the data, and read a voxel of it.

        That is the first one: chunks that are damaged elsewhere are found when they are read.

        Returns
        -------
        tuple
            Whether that works; and what the array is, or everything that is wrong: of arrays that are made of
            several, every broken one.
        """
        try:
            return True, str(self._opened())
        except DalsegnoError as error:
            return False, "\n".join(map(str, self._problems_behind(error)))

    def data_problems(self) -> list[Problem]:
        """Return all that `verify` finds, each with its place in this config."""
        try:
            self._opened()
        except DalsegnoError as error:
            return self._problems_behind(error)
        return []

    def _opened(self) -> "Array":
        array = self.open()
        array[Roi(array.roi.begin, array.voxel_size)]
        return array

    def _problems_behind(self, error: DalsegnoError) -> list[Problem]:
        """Return what is wrong with the arrays that this one is made of; if that is nothing, its own error."""
        problems = [found.under(*path) for path, source in arrays_in(self) for found in source.data_problems()]
        return problems or error.problems


def arrays_in(given: Config) -> Iterator[tuple[ConfigPath, ArrayConfig]]:
    """Yield the arrays that the fields of a config hold, with the place of each."""
    for attribute in fields(type(given)):
        value = getattr(given, attribute.name)
        several = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, tuple) else ()
        if isinstance(value, ArrayConfig):
            yield (attribute.name,), value
        for place, one in several:
            if isinstance(one, ArrayConfig):
                yield (attribute.name, place), one
