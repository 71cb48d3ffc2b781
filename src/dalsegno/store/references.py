"""References to the world outside a document: environment variables and installed packages.

``${NAME}`` is the environment variable, ``${NAME:-default}`` falls back where it is unset or empty,
``${package:nilearn}`` is the folder of an installed package, and ``$${`` is a literal ``${``.
"""

import os
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from dalsegno.errors import ConfigError, ConfigPath, Problem

__all__ = ["resolve_references"]

_REFERENCE = re.compile(r"\$\$\{|\$\{([^}]*)\}")
_VARIABLE = re.compile(r"([A-Za-z_]\w*)(:-(.*))?", re.DOTALL)
_PACKAGE = re.compile(r"package:([A-Za-z_]\w*)")


def resolve_references(data: Any) -> Any:
    """Return the same data with every reference in a text value replaced.

    Raises
    ------
    ConfigError
        If variables are not set or packages not installed; it names all of them with their paths.
    """
    problems: list[Problem] = []
    resolved = _resolved(data, (), problems)
    if problems:
        raise ConfigError(problems)
    return resolved


def _resolved(value: Any, path: ConfigPath, problems: list[Problem]) -> Any:
    if isinstance(value, dict):
        return {key: _resolved(item, (*path, key), problems) for key, item in value.items()}
    if isinstance(value, list):
        return [_resolved(item, (*path, index), problems) for index, item in enumerate(value)]
    if not isinstance(value, str):
        return value
    try:
        return _REFERENCE.sub(_target, value)
    except ConfigError as error:
        problems.extend(problem.under(*path) for problem in error.problems)
        return value


def _target(match: re.Match[str]) -> str:
    if match[1] is None:
        return "${"
    if package := _PACKAGE.fullmatch(match[1]):
        return _package_folder(package[1])
    if variable := _VARIABLE.fullmatch(match[1]):
        return _variable(variable[1], variable[3])
    raise ConfigError(
        f"{match[0]} is no reference; write ${{NAME}}, ${{NAME:-default}} or ${{package:name}}, "
        f"and $${{ where the text itself has ${{"
    )


def _variable(name: str, default: str | None) -> str:
    value = os.environ.get(name)
    if default is not None:
        return value or default
    if value is None:
        raise ConfigError(
            f"the environment variable {name} is not set; set {name}, e.g. export {name}=/path, "
            f"or give a default: ${{{name}:-/path}}"
        )
    return value


def _package_folder(name: str) -> str:
    spec = find_spec(name)
    if spec is not None and spec.submodule_search_locations:
        return str(Path(next(iter(spec.submodule_search_locations))))
    if spec is not None and spec.origin:
        return str(Path(spec.origin).parent)
    raise ConfigError(f"the package {name!r} is not installed; install it, e.g. pip install {name}")
