"""What a person wrote down, and where: YAML or TOML with the line of every key.

References (``${NAME}``) are replaced when a file is read, after the overrides of the command line,
so that an override also stands in for a variable that is not set.
"""

import copy
import os
import re
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from attrs import evolve, field, frozen

from dalsegno.errors import ConfigError, ConfigPath, Problem, dotted
from dalsegno.store.references import resolve_references
from dalsegno.store.toml_text import parse_toml
from dalsegno.store.yaml_text import dump_yaml, parse_yaml

__all__ = ["Document", "dump_yaml", "parse_document", "read_document"]

_ASSIGNMENT = re.compile(r"([^=]+)=(.*)", re.DOTALL)
_STEP = re.compile(r"(?:^|\.)([^.\[\]]+)|\[(\d+)\]")


@frozen
class Document:
    """Plain data and the places it comes from.

    Attributes
    ----------
    data
        Dicts, lists, texts, numbers, booleans and None.
    lines
        Line of every key and list item, counted from 1.
    source
        How messages call the document, e.g. the path of its file.
    assignments
        Paths that an override has set -> its text.
    """

    data: dict[str, Any]
    lines: dict[ConfigPath, int] = field(factory=dict)
    source: str = ""
    assignments: dict[ConfigPath, str] = field(factory=dict)

    def place(self, path: ConfigPath) -> str:
        """Return where the value at the path, or the nearest part above it, was written: ``"file:line"``."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.assignments:
                return self.assignments[path[:length]]
            if path[:length] in self.lines:
                return f"{self.source}:{self.lines[path[:length]]}"
        return self.source

    def located(self, problems: Iterable[Problem]) -> ConfigError:
        """Return an error with the same problems, each with its place in this document."""
        return ConfigError([evolve(problem, place=problem.place or self.place(problem.path)) for problem in problems])

    def resolved(self) -> "Document":
        """Return the document with every reference replaced.

        Raises
        ------
        ConfigError
            If variables are not set or packages not installed; it names all of them.
        """
        try:
            return evolve(self, data=resolve_references(self.data))
        except ConfigError as error:
            raise self.located(error.problems) from error

    def override(self, assignment: str) -> "Document":
        """Return the document with one value set.

        Parameters
        ----------
        assignment
            ``"trainer.augments[0].clip=false"``. The value is YAML. Everything but the last key must exist.

        Raises
        ------
        ConfigError
            If this is no assignment, or there is no such place; the message says what is there.
        """
        match = _ASSIGNMENT.fullmatch(assignment)
        path = _parsed_path(match[1].strip()) if match else ()
        if match is None or not path:
            raise ConfigError([Problem("is no assignment; write path=value, e.g. trainer.seed=2", place=assignment)])
        value, _ = parse_yaml(match[2], assignment)
        data = copy.deepcopy(self.data)
        target: Any = data
        for depth, key in enumerate(path):
            last = depth == len(path) - 1
            if problem := _missing(target, key, may_be_new=last):
                raise ConfigError([Problem(problem, path[:depth], assignment)])
            if not last:
                target = target[key]
        target[path[-1]] = value
        kept = {known: line for known, line in self.lines.items() if known[: len(path)] != path}
        return evolve(self, data=data, lines=kept, assignments={**self.assignments, path: assignment})


def read_document(path: str | os.PathLike[str], overrides: Iterable[str] = ()) -> Document:
    """Read a YAML or TOML file.

    Parameters
    ----------
    overrides
        Assignments such as ``"trainer.seed=2"``, made before references are replaced.

    Raises
    ------
    ConfigError
        If the file does not exist, can't be read, or is not what its name says; if an override has no
        place; if references can't be replaced.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: there is no such file; {_nearest_files(path)}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not a text in UTF-8 ({error}); give a YAML or TOML file") from error
    except OSError as error:
        raise ConfigError(f"{path}: can't be read ({error.strerror}); give a YAML or TOML file") from error
    document = parse_document(text, str(path))
    for assignment in overrides:
        document = document.override(assignment)
    return document.resolved()


def parse_document(text: str, source: str) -> Document:
    """Read a text; ``source`` says what it is by its ending: TOML for ``.toml``, else YAML. References stay.

    Raises
    ------
    ConfigError
        If the text is not valid, or not a mapping from keys to values.
    """
    parse = parse_toml if source.lower().endswith(".toml") else parse_yaml
    data, lines = parse(text, source)
    if not isinstance(data, dict):
        found = "is empty" if data is None else f"holds a {type(data).__name__}"
        raise ConfigError([Problem(f"the document {found}; write 'key: value' lines", place=source)])
    return Document(data, lines, source)


def _parsed_path(text: str) -> ConfigPath:
    steps = [(match[1] or int(match[2]), match.end() - match.start()) for match in _STEP.finditer(text)]
    return tuple(step for step, _ in steps) if sum(length for _, length in steps) == len(text) else ()


def _missing(target: Any, key: str | int, *, may_be_new: bool) -> str | None:
    """Say why a key or position can't be reached, or None if it can."""
    if isinstance(target, list):
        fits = isinstance(key, int) and key < len(target)
        return None if fits else f"there is no {dotted((key,))} in this list; it has {len(target)} entries, from [0]"
    if not isinstance(target, dict):
        return f"there is nothing below {target!r}; set the value itself"
    if key in target or (may_be_new and isinstance(key, str)):
        return None
    near = get_close_matches(str(key), map(str, target), 1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(map(str, target)) or 'no keys'}"
    return f"there is no {dotted((key,))!r} here; {hint}"


def _nearest_files(path: Path) -> str:
    if not path.parent.is_dir():
        return f"its folder {path.parent} does not exist either; check the path"
    names = sorted(item.name for item in path.parent.iterdir() if item.suffix in (".yaml", ".yml", ".toml"))
    near = get_close_matches(path.name, names, 3, 0.4) or names[:5]
    return f"did you mean {' or '.join(near)}?" if near else f"there are no YAML or TOML files in {path.parent}"
