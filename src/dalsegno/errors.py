"""The exceptions a user can meet.

::

    DalsegnoError
    ├── ConfigError     what was written down is wrong: every problem at once
    ├── WorkerLost      a data worker was ended from outside
    ├── DataError       a file or array is missing, unreadable or does not fit
    └── StoreError      the store can't be read or written
        ├── NameTaken   the name is stored already, with another content
        ├── RunLocked   another process trains this run
        └── StoreFull   the disk is full or the file size limit is reached

Each message says what was given, against what, and what to do. ``exit_code`` is what the command
line returns: 2 where the user can put it right, 1 where the machine must.
"""

from collections.abc import Iterable

from attrs import frozen

__all__ = [
    "ConfigError",
    "DalsegnoError",
    "DataError",
    "NameTaken",
    "Problem",
    "RunLocked",
    "StoreError",
    "StoreFull",
    "WorkerLost",
]

ConfigPath = tuple[str | int, ...]


class DalsegnoError(Exception):
    """Base of every error that is reported without a traceback."""

    exit_code = 2

    @property
    def problems(self) -> list["Problem"]:
        """What is wrong, one by one; most errors tell of one thing."""
        return [Problem(str(self))]


@frozen
class Problem:
    """One thing that is wrong in a config.

    Attributes
    ----------
    message
        What is wrong and what to do.
    path
        Keys and list positions that lead to the place, e.g. ``("trainer_config", "augments", 1)``.
    place
        Where the document says it, e.g. ``"experiment.yaml:12"``; empty where that is unknown.
    """

    message: str
    path: ConfigPath = ()
    place: str = ""

    def under(self, *parents: str | int) -> "Problem":
        """Return the same problem seen from further up the tree."""
        return Problem(self.message, (*parents, *self.path), self.place)

    def __str__(self) -> str:
        return ": ".join(part for part in (self.place, dotted(self.path), self.message) if part)


def dotted(path: ConfigPath) -> str:
    """Write a path as users read it: ``trainer_config.augments[1].gamma_range``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


class ConfigError(DalsegnoError):
    """One or more problems in a config; `problems` holds all of them."""

    def __init__(self, problems: Iterable[Problem] | str) -> None:
        self._problems = [Problem(problems)] if isinstance(problems, str) else list(problems)
        super().__init__("\n".join(str(problem) for problem in self._problems))

    @property
    def problems(self) -> list[Problem]:
        """Each problem, with its place in the config."""
        return self._problems


class DataError(DalsegnoError):
    """A file or an array is missing, unreadable, or does not fit its neighbours."""


class WorkerLost(DalsegnoError):
    """A data worker was ended from outside: for want of memory, or by a signal."""

    exit_code = 1


class StoreError(DalsegnoError):
    """The store can't be read or written."""


class NameTaken(StoreError):
    """The name is stored already with a different content."""


class RunLocked(StoreError):
    """Another process trains this run."""


class StoreFull(StoreError):
    """The store has no room left. What was stored before is whole."""

    exit_code = 1
