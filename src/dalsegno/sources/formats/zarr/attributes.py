"""The attributes of a stored zarr array."""

import json
from collections.abc import Iterator, MutableMapping
from typing import Any

import numpy as np

from dalsegno.errors import DataError
from dalsegno.sources.formats.zarr.hierarchy import Node

__all__ = ["StoredAttributes"]


class StoredAttributes(MutableMapping[str, Any]):
    """The attributes of an array; version 2 keeps them in a file of their own, which is read when it is needed.

    Parameters
    ----------
    array
        The array of zarr-python.
    node
        Its metadata; attributes that were read with it are not read again.

    Raises
    ------
    DataError
        If a value is set that JSON can't hold; then nothing is changed.
    """

    def __init__(self, array: Any, node: Node) -> None:
        self._array = array
        self._known: MutableMapping[str, Any] | None = None if node.attributes is None else array.attrs

    @property
    def _attributes(self) -> MutableMapping[str, Any]:
        if self._known is None:
            self._known = self._stored()
        return self._known

    def _stored(self) -> Any:
        import zarr

        place = self._array.store_path
        return zarr.open_array(place.store, path=place.path, mode="r" if self._array.read_only else "r+").attrs

    def __getitem__(self, name: str) -> Any:
        return self._attributes[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self.update({name: value})

    def __delitem__(self, name: str) -> None:
        stored = self._stored()
        del stored[name]
        self._known = stored

    def __iter__(self) -> Iterator[str]:
        return iter(self._attributes)

    def __len__(self) -> int:
        return len(self._attributes)

    def update(self, *others: Any, **more: Any) -> None:
        """Change several in one go."""
        values = {name: _plain(name, value) for name, value in dict(*others, **more).items()}
        # read again: others may have written meanwhile, and zarr-python keeps what it could not write
        stored = self._stored()
        stored.put({**stored, **values})
        self._known = stored


def _plain(name: Any, value: Any) -> Any:
    """Return a value as JSON has it: numpy's numbers and arrays, and tuples, become numbers and lists."""
    try:
        if not isinstance(name, str):
            raise TypeError("its name is no text")
        return json.loads(json.dumps(value, default=_listed, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise DataError(
            f"the attribute {name!r} can't be stored: {error}; give numbers, texts, lists or dicts of these, and None "
            "for NaN"
        ) from error


def _listed(value: Any) -> Any:
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is no value of JSON")
