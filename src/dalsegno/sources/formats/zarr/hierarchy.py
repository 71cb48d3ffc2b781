"""The metadata documents of a zarr hierarchy, version 2 and 3, each read when it is asked for; nothing is listed."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from dalsegno.errors import DataError
from dalsegno.sources.errors import reading
from dalsegno.sources.storage.remote import file_system, is_refusal, is_url, reaching

__all__ = ["Hierarchy", "Node", "joined"]

_CONTAINER = re.compile(r"\.(zarr|zr)$", re.IGNORECASE)
_LEVEL = re.compile(r"(s|scale|level)?\d+", re.IGNORECASE)


@frozen
class Node:
    """A group or an array.

    Attributes
    ----------
    path
        Path inside the hierarchy; empty for the root.
    zarr_format
        2 or 3.
    document
        Metadata of the array; None for a group.
    attributes
        Its own attributes; None where they were not read.
    """

    path: str
    zarr_format: int
    document: Mapping[str, Any] | None
    attributes: Mapping[str, Any] | None

    @property
    def ndim(self) -> int:
        """Number of axes of the array."""
        return len((self.document or {}).get("shape", ()))


class Hierarchy:
    """The nodes of a zarr container.

    Parameters
    ----------
    path
        Absolute path or URL of the container, or of a node in it.
    storage_options
        Options of fsspec for a URL.

    Attributes
    ----------
    refused
        With what a server has refused to give a document, if it has.
    """

    def __init__(self, path: str, storage_options: Mapping[str, Any] | None = None) -> None:
        self.storage_options = dict(storage_options or {})
        self.root, self.prefix = _split(path.removeprefix("file://").rstrip("/"))
        self.remote = is_url(self.root)
        self.refused: Exception | None = None
        self._system: Any = file_system(self.root, self.storage_options) if self.remote else None

    def store(self, mode: str) -> Any:
        """Return the container as zarr-python's store, for `mode` ``"r"`` or ``"r+"``."""
        from zarr.storage import FsspecStore, LocalStore

        if "::" in self.root:
            from dalsegno.sources.formats.zarr.chained_store import ChainedStore

            return ChainedStore.at(self.root, self.storage_options, read_only=mode == "r")
        if self.remote:
            return FsspecStore.from_url(self.root, storage_options=self.storage_options, read_only=mode == "r")
        return LocalStore(self.root, read_only=mode == "r")

    def node(self, path: str, zarr_format: int | None = None) -> Node | None:
        """Return a group or an array; None if there is none at the path.

        Parameters
        ----------
        path
            Path inside the hierarchy.
        zarr_format
            Version of the container where it is known: an array is then found in one read.

        Raises
        ------
        DataError
            If the metadata is damaged or can't be reached.
        """
        if zarr_format != 2:
            document = self._document(self._place(path, "zarr.json"))
            if document is not None:
                return _node_of_version_3(path, document)
        return None if zarr_format == 3 else self._node_of_version_2(path, array_first=zarr_format == 2)

    def _node_of_version_2(self, path: str, *, array_first: bool) -> Node | None:
        # one document tells an image or an array where the right one is read first
        attributes = None
        if not array_first and not _LEVEL.fullmatch(path.rpartition("/")[2]):
            attributes = self.attributes(path, 2)
            if "multiscales" in attributes:
                return Node(path, 2, None, attributes)
        document = self._document(self._place(path, ".zarray"))
        if document is not None:
            return Node(path, 2, {**document, "zarr_format": 2}, attributes)
        attributes = self.attributes(path, 2) if attributes is None else attributes
        if not attributes and self._document(self._place(path, ".zgroup")) is None:
            return None
        return Node(path, 2, None, attributes)

    def groups_around(self, node: Node, steps: int) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
        """Give the groups that a node lies in, the nearest first: place, the node's path in it, attributes.

        Where no extension tells which folder is the container, they may lie above the path that was given.
        """
        place, inside = self._place(node.path), ""
        for _ in range(steps):
            given = len(place) > len(self.root)
            if not given and (_CONTAINER.search(place) or _is_top(place)):
                return
            place, _, last = place.rpartition("/")
            inside = joined(last, inside)
            try:
                attributes = self._attributes(place, node.zarr_format)
            except DataError:
                if given:
                    raise
                attributes = {}  # what lies above need not be of the container
            yield place, inside, attributes

    def attributes(self, path: str, zarr_format: int) -> Mapping[str, Any]:
        """Return the attributes of a node; none if it has none, or is not there."""
        return self._attributes(self._place(path), zarr_format)

    def _attributes(self, place: str, zarr_format: int) -> Mapping[str, Any]:
        if zarr_format == 2:
            return self._document(f"{place}/.zattrs") or {}
        attributes = (self._document(f"{place}/zarr.json") or {}).get("attributes")
        return attributes if isinstance(attributes, Mapping) else {}

    def _place(self, *path: str) -> str:
        return f"{self.root}/{joined(*path)}".rstrip("/")

    def _document(self, place: str) -> dict[str, Any] | None:
        """Return a metadata document; None if it is not there.

        Raises
        ------
        DataError
            If it is damaged or can't be reached.
        """
        text = self._bytes(place)
        if text is None:
            return None
        try:
            document = json.loads(text)
        except ValueError as error:
            raise DataError(f"the zarr metadata {place} can't be read: {error}; restore or rewrite it") from error
        if not isinstance(document, dict):
            raise DataError(f"the zarr metadata {place} is a {type(document).__name__}, not an object; rewrite it")
        return document

    def _bytes(self, place: str) -> bytes | None:
        try:
            if self._system is None:
                with reading(place):
                    return _local(place)
            with reaching(place):
                return self._remote(place)
        except FileNotFoundError:
            return None

    def _remote(self, place: str) -> bytes | None:
        try:
            data: bytes = self._system.cat_file(place)
        except Exception as error:
            if not is_refusal(error):
                raise
            self.refused = error  # buckets that may not be listed answer so for what they don't have
            return None
        return data


def joined(*parts: str) -> str:
    """Join paths inside a hierarchy."""
    return "/".join(part.strip("/") for part in parts if part.strip("/"))


def _split(path: str) -> tuple[str, str]:
    """Return the container that a path leads into, and the rest; the path itself where none has zarr's extension."""
    parts = path.split("/")
    for number in range(1, len(parts)):
        if _CONTAINER.search(parts[number - 1]):
            return "/".join(parts[:number]), "/".join(parts[number:])
    return path, ""


def _is_top(place: str) -> bool:
    """Return whether a place is a bucket, a server, or directly below the root of a disk."""
    return "/" not in place.rpartition("://")[2].strip("/")


def _local(place: str) -> bytes | None:
    try:
        return Path(place).read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None


def _node_of_version_3(path: str, document: dict[str, Any]) -> Node:
    attributes = document.get("attributes")
    attributes = attributes if isinstance(attributes, dict) else {}
    return Node(path, 3, None if document.get("node_type") == "group" else document, attributes)
