"""The attributes of an N5 dataset, and the geometry that they and those of its pyramid tell."""

import json
import os
import re
import uuid
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Any

from attrs import frozen

from dalsegno.sources.attributes import geometry_from_attributes
from dalsegno.sources.errors import SourceError
from dalsegno.sources.geometry import Geometry
from dalsegno.sources.storage.folder import StoredFolder

__all__ = ["ATTRIBUTES", "OWN", "N5Attributes", "geometry_of", "of_user"]

ATTRIBUTES = "attributes.json"
"""The file that holds them."""

OWN = ("dimensions", "blockSize", "dataType", "compression", "compressionType")
"""Those that describe the stored blocks."""


def geometry_of(folder: StoredFolder, attributes: Mapping[str, Any], ndim: int) -> Geometry:
    """Return what the attributes of a dataset, and those of the pyramid that it is a level of, tell."""
    own = geometry_from_attributes(attributes, ndim, reverse=True, what=folder.path)
    if own.voxel_size is not None:
        return own
    above, _, name = folder.path.rstrip("/").rpartition("/")
    parent = StoredFolder(above, folder.storage_options).read_json(ATTRIBUTES) or {}
    level = re.fullmatch(r"s(\d+)", name)
    told = {**attributes, **_transform(parent.get("multiscales"), name)}
    if level is not None and "downsamplingFactors" not in told:
        told |= _factors(parent.get("scales", parent.get("downsamplingFactors")), int(level[1]), ndim)
    return geometry_from_attributes(told, ndim, parent=parent, reverse=True, what=folder.path)


def _transform(multiscales: Any, name: str) -> dict[str, Any]:
    """Return the transform that the group gives a level."""
    for level in (level for one in _mappings(multiscales) for level in _mappings(one.get("datasets"))):
        if level.get("path") == name and isinstance(level.get("transform"), dict):
            return {"transform": level["transform"]}
    return {}


def _mappings(values: Any) -> list[dict[str, Any]]:
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []


def _factors(scales: Any, level: int, ndim: int) -> dict[str, Any]:
    """Return the factors by which a level is downsampled, from the group's list of them."""
    if isinstance(scales, list) and level < len(scales) and isinstance(scales[level], list):
        return {"downsamplingFactors": scales[level]}
    return {"downsamplingFactors": [1] * ndim} if level == 0 else {}


def of_user(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes besides the format's own."""
    return {name: value for name, value in attributes.items() if name not in OWN}


@frozen(eq=False)
class N5Attributes(MutableMapping[str, Any]):
    """The attributes of a dataset besides the format's own; changes are written."""

    path: Path

    def __getitem__(self, name: str) -> Any:
        return of_user(self._stored())[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self._change(name, lambda stored: stored.update({name: value}))

    def __delitem__(self, name: str) -> None:
        self[name]
        self._change(name, lambda stored: stored.pop(name))

    def __iter__(self) -> Iterator[str]:
        return iter(of_user(self._stored()))

    def __len__(self) -> int:
        return len(of_user(self._stored()))

    def _stored(self) -> dict[str, Any]:
        stored: dict[str, Any] = json.loads(self.path.read_bytes())
        return stored

    def _change(self, name: str, change: Callable[[dict[str, Any]], Any]) -> None:
        if name in OWN:
            raise SourceError(f"{name!r} of {self.path} describes the stored blocks and can't be changed")
        stored = self._stored()
        change(stored)
        written = self.path.with_name(f".{self.path.name}.{uuid.uuid4().hex}")
        written.write_text(json.dumps(stored, indent=2))
        os.replace(written, self.path)  # noqa: PTH105
