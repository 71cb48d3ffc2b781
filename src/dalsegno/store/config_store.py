"""Where configs are kept, as plain documents under their kind and name."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from dalsegno.errors import ConfigPath, NameTaken, StoreError, dotted
from dalsegno.store.atomic import create_text, store_errors
from dalsegno.store.document import dump_yaml, parse_document
from dalsegno.store.names import check_name

__all__ = ["KINDS", "ConfigStore", "FileConfigStore"]

KINDS = ("runs", "tasks", "datasplits", "datasets", "arrays", "architectures", "trainers", "starts")
"""What a document can be the config of."""

_SHOWN = 10  # differences that a message shows

_NOTHING = object()


class ConfigStore(ABC):
    """Keeps documents: dicts, lists, texts, numbers, booleans and None. A stored document never changes."""

    @abstractmethod
    def check(self, kind: str, name: str, document: dict[str, Any]) -> None:
        """Raise what `put` would raise where the name is taken, and write nothing.

        Raises
        ------
        NameTaken
            If the name has another content; the message shows what differs.
        ConfigError
            If the name can't be part of a path.
        """

    @abstractmethod
    def put(self, kind: str, name: str, document: dict[str, Any]) -> None:
        """Keep a document under a name; the same content again changes nothing.

        Raises
        ------
        NameTaken
            If the name has another content; the message shows what differs.
        ConfigError
            If the name can't be part of a path.
        StoreError
            If the store can't be written.
        """

    @abstractmethod
    def get(self, kind: str, name: str) -> dict[str, Any]:
        """Return the document of a name.

        Raises
        ------
        StoreError
            If there is none; the message says which names are near.
        """

    @abstractmethod
    def names(self, kind: str) -> list[str]:
        """Return the stored names of a kind, sorted."""

    @abstractmethod
    def delete(self, kind: str, name: str) -> None:
        """Remove a document.

        Raises
        ------
        StoreError
            If there is none.
        """


class FileConfigStore(ConfigStore):
    """Keeps each document in ``<root>/configs/<kind>/<name>.yaml``."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def check(self, kind: str, name: str, document: dict[str, Any]) -> None:
        """Compare the document with the one in the file, if there is one."""
        try:
            stored = self._read(kind, name)
        except FileNotFoundError:
            return
        differences = list(_differences(stored, _plain(document)))
        if differences:
            raise NameTaken(_taken(kind, name, differences))

    def put(self, kind: str, name: str, document: dict[str, Any]) -> None:
        """Write the document to a file of its own; of several processes that try, one does."""
        try:
            create_text(self._path(kind, name), dump_yaml(_plain(document)))
        except FileExistsError:
            self.check(kind, name, document)

    def get(self, kind: str, name: str) -> dict[str, Any]:
        """Read the document from its file."""
        try:
            return self._read(kind, name)
        except FileNotFoundError as error:
            raise self._unknown(kind, name) from error

    def names(self, kind: str) -> list[str]:
        """Return the names of the files."""
        return sorted(path.stem for path in self._folder(kind).glob("[!.]*.yaml"))

    def delete(self, kind: str, name: str) -> None:
        """Remove the file."""
        path = self._path(kind, name)
        try:
            with store_errors(path):
                path.unlink()
        except FileNotFoundError as error:
            raise self._unknown(kind, name) from error

    def _read(self, kind: str, name: str) -> dict[str, Any]:
        path = self._path(kind, name)
        with store_errors(path):
            text = path.read_text(encoding="utf-8")
        return parse_document(text, str(path)).data

    def _folder(self, kind: str) -> Path:
        if kind not in KINDS:
            raise StoreError(f"configs of kind {kind!r} are not stored; the kinds are {', '.join(KINDS)}")
        return self.root / "configs" / kind

    def _path(self, kind: str, name: str) -> Path:
        return self._folder(kind) / f"{check_name(name, kind.removesuffix('s'))}.yaml"

    def _unknown(self, kind: str, name: str) -> StoreError:
        names = self.names(kind)
        near = get_close_matches(name, names, 3)
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(names) or 'none'}"
        return StoreError(f"no {kind.removesuffix('s')} {name!r} is stored in {self.root}; {hint}")


def _plain(value: Any) -> Any:
    """Return the value with lists for tuples, as it is when it was stored and read."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return list(map(_plain, value)) if isinstance(value, (list, tuple)) else value


def _differences(stored: Any, given: Any, path: ConfigPath = ()) -> Iterator[str]:
    """Yield ``"trainer_config.learning_rate: stored 0.001, given 0.0001"`` for every value that differs."""
    if isinstance(stored, dict) and isinstance(given, dict):
        for key in [*stored, *(key for key in given if key not in stored)]:
            yield from _differences(stored.get(key, _NOTHING), given.get(key, _NOTHING), (*path, key))
    elif isinstance(stored, list) and isinstance(given, list) and len(stored) == len(given):
        for index, (old, new) in enumerate(zip(stored, given, strict=True)):
            yield from _differences(old, new, (*path, index))
    elif stored != given and not (stored != stored and given != given):
        yield f"{dotted(path)}: stored {_shown(stored)}, given {_shown(given)}"


def _shown(value: Any) -> str:
    return "nothing" if value is _NOTHING else repr(value)


def _taken(kind: str, name: str, differences: list[str]) -> str:
    more = len(differences) - _SHOWN
    lines = [f"  {line}" for line in differences[:_SHOWN]] + ([f"  and {more} more"] if more > 0 else [])
    return "\n".join(
        [
            f"the {kind.removesuffix('s')} {name!r} is stored already with another content:",
            *lines,
            "results of both would be mixed up; choose another name, or give what is stored",
        ]
    )
