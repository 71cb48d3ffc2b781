"""A folder of small files, on a disk or by URL."""

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Any

from attrs import define

from dalsegno.errors import DataError
from dalsegno.sources.errors import FileMissing, reading
from dalsegno.sources.storage.remote import file_system, is_url, reaching

__all__ = ["StoredFolder"]

_REQUESTS_AT_ONCE = 16


@define(eq=False, slots=False)
class StoredFolder:
    """A folder, which need not exist.

    Attributes
    ----------
    path
        Local path or URL.
    storage_options
        Options of fsspec for the URL.
    """

    path: str
    storage_options: Mapping[str, Any] | None = None

    @property
    def is_local(self) -> bool:
        """Whether it lies on a disk of this machine."""
        return not is_url(self.path)

    def at(self, name: str) -> "StoredFolder":
        """Return the folder of a name inside."""
        inside = "/".join(part for part in name.split("/") if part)
        return StoredFolder(f"{self.path.rstrip('/')}/{inside}", self.storage_options) if inside else self

    def read(self, names: Sequence[str]) -> list[bytes | None]:
        """Return the content of files; None for those that are missing.

        Raises
        ------
        DataError
            If one can't be read.
        """
        if self.is_local or len(names) < 2:
            return [self._read(name) for name in names]
        with ThreadPoolExecutor(_REQUESTS_AT_ONCE) as pool:
            return list(pool.map(self._read, names))

    def read_json(self, name: str) -> dict[str, Any] | None:
        """Return the content of a JSON file that holds a mapping; None if it is missing.

        Raises
        ------
        DataError
            If it holds something else.
        """
        (content,) = self.read([name])
        if content is None:
            return None
        with reading(f"{self.path}/{name}"):
            data = json.loads(content)
        if not isinstance(data, dict):
            raise DataError(f"{self.path}/{name} holds {type(data).__name__}, but a mapping is expected; rewrite it")
        return data

    def exist(self, names: Sequence[str]) -> list[bool]:
        """Return for each name whether there is such a file."""
        if self.is_local:
            return [Path(self.path, name).is_file() for name in names]
        with reaching(self.path), ThreadPoolExecutor(_REQUESTS_AT_ONCE) as pool:
            return list(pool.map(lambda name: bool(self._system.exists(f"{self.path}/{name}")), names))

    def folders(self) -> list[str]:
        """Return the names of the folders inside, sorted; none if it does not exist."""
        if self.is_local:
            folder = Path(self.path)
            return sorted(inside.name for inside in folder.iterdir() if inside.is_dir()) if folder.is_dir() else []
        try:
            with reaching(self.path):
                found = self._system.ls(self.path, detail=True)
        except FileMissing:
            return []
        names = [one["name"].rstrip("/").rpartition("/")[2] for one in found if one["type"] == "directory"]
        return sorted(name for name in names if name not in ("", ".."))

    @cached_property
    def _system(self) -> Any:
        return file_system(self.path, self.storage_options)

    def _read(self, name: str) -> bytes | None:
        place = f"{self.path.rstrip('/')}/{name}"
        if self.is_local:
            with reading(place):
                try:
                    return Path(place).read_bytes()
                except (FileNotFoundError, NotADirectoryError):
                    return None
        try:
            with reaching(place):
                content: bytes = self._system.cat_file(place)
                return content
        except FileMissing:
            return None
