"""Layers of WEBKNOSSOS as sources: of a dataset on a disk read directly, of a server through its own client."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
from numpy.typing import NDArray

from dalsegno.sources.clients.webknossos import open_with_client
from dalsegno.sources.errors import ReadOnly, SourceError
from dalsegno.sources.file_source import open_source
from dalsegno.sources.formats.webknossos.dataset import XYZ, LocalMag, OpenedMag, as_mag, find_mag, mag_name
from dalsegno.sources.indexing import Slices
from dalsegno.sources.registry import register_spec_kind
from dalsegno.sources.source import Source, SourceSpec

__all__ = ["WebKnossosSource", "open_webknossos"]


class WebKnossosSource(Source):
    """A layer at one magnification, axes (z, y, x), read only. Indices are voxels of that magnification.

    A client's handle is no thing to share between threads; each process opens its own.

    Parameters
    ----------
    dataset_name_or_url
        A folder, whose layers are read directly where they are stored as zarr. Else the name or URL of a dataset on a
        server, or the URL of an annotation; these need the extra ``webknossos``, and find their access token in the
        environment (``WK_TOKEN``).
    organization_id
        Organization that has the dataset, where it is given by name.
    layer_name
        Name of the layer; it has one channel.
    mag
        Magnification: 1 is the finest; ``"2-2-1"`` (x, y, z) where the axes differ.
    offset, size
        The box that is used, in voxels of magnification 1, axes (x, y, z), aligned to `mag`; the layer's bounding box
        where they are not given.

    Raises
    ------
    LayerMissing
        If there is no such layer, or the layer has no such magnification; an `IndexError`.
    SourceError
        If the layer has several channels, or the box is not aligned or not inside the layer; a `ValueError`.
    DataError
        If the dataset can't be read, or the client is needed and not installed.
    """

    def __init__(
        self,
        dataset_name_or_url: str,
        organization_id: str | None = None,
        layer_name: str = "",
        mag: int | str = 1,
        offset: Sequence[int] | None = None,
        size: Sequence[int] | None = None,
    ) -> None:
        self._dataset = _absolute(dataset_name_or_url)
        self._organization_id = organization_id
        self._layer_name = layer_name
        self._mag = as_mag(mag)
        self._opened, self._process = self._open(), os.getpid()
        self._offset = self._opened.top_left if offset is None else _three(offset, "offset")
        self._size = self._opened.size if size is None else _three(size, "size")
        _check_box(self._offset, self._size, self._mag, self._opened)

    def _open(self) -> OpenedMag:
        local = find_mag(self._dataset, self._layer_name, self._mag) if Path(self._dataset).is_dir() else None
        if local is None or local.data_format not in ("zarr", "zarr3"):
            opened = open_with_client(self._dataset, self._organization_id, self._layer_name, self._mag)
        else:
            opened = _open_directly(self._dataset, local)
        if opened.num_channels != 1:
            raise SourceError(
                f"layer {self._layer_name!r} of {self._dataset} has {opened.num_channels} channels, and a "
                "WebKnossosSource is single-channel; open it with open_source(folder, layer)"
            )
        return opened

    @property
    def layer(self) -> Any:
        """The opened magnification: the client's own view, or a description of the local one."""
        return self._current().layer

    def _current(self) -> OpenedMag:
        # open files and connections don't survive a fork
        if self._process != os.getpid():
            self._opened, self._process = self._open(), os.getpid()
        return self._opened

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels of the magnification, axes (z, y, x)."""
        return tuple(extent // step for extent, step in zip(self._size, self._mag, strict=True))[::-1]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the voxels."""
        return self._opened.dtype

    @property
    def chunks(self) -> tuple[int, ...] | None:
        """Shape of a chunk, axes (z, y, x)."""
        return self._opened.chunks

    @property
    def writable(self) -> bool:
        """Layers are only read."""
        return False

    def _getitem(self, roi: Slices) -> NDArray[Any]:
        opened = self._current()
        moves = [
            (start - first) // step for start, first, step in zip(self._offset, opened.top_left, self._mag, strict=True)
        ]
        return opened.read(
            tuple(slice(entry.start + move, entry.stop + move) for entry, move in zip(roi, moves[::-1], strict=True))
        )

    def _setitem(self, roi: Slices, value: NDArray[Any]) -> None:  # noqa: ARG002
        raise ReadOnly(f"layer {self._layer_name!r} of {self._dataset} is read-only; write to a zarr array instead")

    def to_spec(self) -> SourceSpec:
        """Return what opens the same box of the layer in another process."""
        name = mag_name(self._mag)
        params = {
            "dataset_name_or_url": self._dataset,
            "organization_id": self._organization_id,
            "layer_name": self._layer_name,
            "mag": int(name) if name.isdigit() else name,
            "offset": list(self._offset),
            "size": list(self._size),
        }
        return SourceSpec("webknossos", params=params)

    @staticmethod
    def reopen(spec: SourceSpec) -> "WebKnossosSource":
        """Open the layer of a spec."""
        return WebKnossosSource(**spec.params)


def open_webknossos(
    dataset_name_or_url: str,
    organization_id: str | None = None,
    layer_name: str = "",
    mag: int | str = 1,
    offset: Sequence[int] | None = None,
    size: Sequence[int] | None = None,
) -> WebKnossosSource:
    """Open a layer of WEBKNOSSOS; parameters and errors are those of `WebKnossosSource`."""
    return WebKnossosSource(dataset_name_or_url, organization_id, layer_name, mag, offset, size)


def _absolute(dataset: str) -> str:
    if Path(dataset).is_dir():
        return os.path.abspath(dataset)  # noqa: PTH100 - resolves no links
    if "token" in parse_qs(urlsplit(dataset).query):
        raise SourceError(
            f"{urlsplit(dataset)._replace(query='').geturl()}: the token in the URL would be stored wherever this "
            "source is described; leave it out and put a token into the environment (WK_TOKEN)"
        )
    return dataset


def _three(numbers: Sequence[int], what: str) -> XYZ:
    if len(numbers) != 3:
        raise SourceError(f"{what} {list(numbers)} needs three numbers: x, y, z")
    x, y, z = (int(number) for number in numbers)
    return x, y, z


def _check_box(offset: XYZ, size: XYZ, mag: XYZ, opened: OpenedMag) -> None:
    if any(number % step for numbers in (offset, size) for number, step in zip(numbers, mag, strict=True)):
        raise SourceError(
            f"offset {offset} and size {size} are not aligned to mag {mag_name(mag)}; they are in voxels of mag 1, "
            "x, y, z: make them multiples of the mag"
        )
    ends = zip(offset, size, opened.top_left, opened.size, strict=True)
    if any(start < low or extent < 0 or start + extent > low + held for start, extent, low, held in ends):
        raise SourceError(
            f"the box at {offset} of size {size} is not inside the layer, which has voxels at {opened.top_left} "
            f"of size {opened.size} (x, y, z, mag 1); choose a box inside, or none for all of it"
        )


def _open_directly(folder: str, local: LocalMag) -> OpenedMag:
    source = open_source(folder, f"{local.layer}/{mag_name(local.mag)}", format="webknossos")
    return OpenedMag(
        layer=local,
        top_left=local.top_left,
        size=local.size,
        num_channels=local.num_channels,
        chunks=source.chunks,
        dtype=source.dtype,
        read=source.__getitem__,
    )


register_spec_kind("webknossos", WebKnossosSource.reopen)
