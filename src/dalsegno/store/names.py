"""Names that may become part of a path."""

import re

from dalsegno.errors import ConfigError

__all__ = ["check_name"]

LONGEST = 128

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._ -]*")
_RESERVED = {"con", "prn", "aux", "nul"} | {f"{port}{number}" for port in ("com", "lpt") for number in range(1, 10)}


def check_name(name: str, what: str) -> str:
    """Return the name if it can be part of a path on every system.

    Parameters
    ----------
    what
        What bears the name, for the message: ``"run"``, ``"dataset"``.

    Raises
    ------
    ConfigError
        If it can't.
    """
    if problem := _problem(name):
        raise ConfigError(
            f"the {what} name {name!r} {problem}, and can't be part of a path; "
            f"use letters, digits, '.', '_', '-' and spaces, beginning with a letter or digit"
        )
    return name


def _problem(name: str) -> str | None:
    if not name:
        return "is empty"
    if len(name) > LONGEST:
        return f"has {len(name)} characters, more than {LONGEST}"
    if name.split(".", maxsplit=1)[0].lower() in _RESERVED:
        return "is reserved by an operating system"
    if name[-1] in ". ":
        return "ends in a dot or a space"
    return None if _NAME.fullmatch(name) else "has other characters than names may have"
