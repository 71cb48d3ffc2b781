"""WEBKNOSSOS datasets on a disk: the layers that are stored as zarr, read without WEBKNOSSOS' own client.

A layer's array begins at the corner of the world and ends with a shard; what is presented is the layer's bounding box.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dalsegno.errors import DataError
from dalsegno.sources.errors import SourceError
from dalsegno.sources.file_format import FileFormat, StoredVoxels
from dalsegno.sources.formats.webknossos.dataset import PROPERTIES, LocalMag, as_mag, find_mag, layer_names
from dalsegno.sources.formats.zarr.format import open_zarr
from dalsegno.sources.indexing import Slices


def open_dataset(path: str, internal_path: str, mode: str) -> StoredVoxels:  # noqa: ARG001 - never written
    """Open a layer: its bounding box at one magnification, axes (z, y, x) or (c, z, y, x).

    Parameters
    ----------
    path
        The folder that holds `datasource-properties.json`.
    internal_path
        ``"layer"`` for its finest magnification, or ``"layer/mag"``: ``"color/2"``, ``"color/2-2-1"``.
    mode
        Layers are only read.

    Raises
    ------
    SourceError
        If the dataset has several layers and none is named; a `ValueError`.
    LayerMissing
        If there is no such layer or magnification; a `KeyError` and an `IndexError`.
    DataError
        If the properties or the array can't be read, or the layer is not stored as zarr.
    """
    layer, _, mag = internal_path.partition("/")
    local = find_mag(path, layer or _only_layer(path), as_mag(mag) if mag else None)
    if local.data_format not in ("zarr", "zarr3"):
        raise DataError(
            f"{local} is stored as {local.data_format}, and only zarr is read directly; open_webknossos reads it "
            "through WEBKNOSSOS' own client: pip install 'dalsegno[webknossos]'"
        )
    return _bounding_box(local, open_zarr(local.path, "", "r"))


def _only_layer(path: str) -> str:
    names = layer_names(path)
    if len(names) != 1:
        raise SourceError(
            f"{path} holds several layers; name one as internal_path (dataset): {', '.join(names) or 'none'}"
        )
    return names[0]


def _bounding_box(local: LocalMag, stored: StoredVoxels) -> StoredVoxels:
    begin, shape = _place(local, stored)
    dropped = () if "c" in local.axes or "c" not in local.axis_order else (local.axis_order.index("c"),)
    kept = [axis for axis in local.axis_order if axis in local.axes]
    order = [kept.index(axis) for axis in local.axes]

    def read(roi: Slices) -> NDArray[Any]:
        named = dict(zip(local.axes, roi, strict=True))
        box = tuple(_moved(named.get(axis, slice(0, 1)), begin[axis]) for axis in local.axis_order)
        return _read_padded(stored, box).squeeze(dropped).transpose(order)

    def presented(sizes: tuple[int, ...] | None) -> tuple[int, ...] | None:
        return None if sizes is None else tuple(sizes[local.axis_order.index(axis)] for axis in local.axes)

    return StoredVoxels(
        shape=tuple(shape[axis] for axis in local.axes),
        dtype=stored.dtype,
        read=read,
        chunks=presented(stored.chunks),
        shards=presented(stored.shards),
        geometry=local.geometry,
        attrs=dict(local.properties),
        close=stored.close,
    )


def _place(local: LocalMag, stored: StoredVoxels) -> tuple[dict[str, int], dict[str, int]]:
    """Return where the presented box begins in the array, and its shape, by axis.

    Raises
    ------
    DataError
        If the array has other axes than the properties say, or does not hold all of the bounding box.
    """
    begin, shape, end = ({"c": local.first_channel}, {"c": local.num_channels}, {})
    for number, axis in enumerate("xyz"):
        step = local.mag[number]
        begin[axis], shape[axis] = local.top_left[number] // step, local.size[number] // step
        # of a voxel that the bounding box ends in, there may be nothing
        end[axis] = local.end[number] // step
    end["c"] = begin["c"] + shape["c"]
    if len(stored.shape) != len(local.axis_order):
        raise DataError(f"{local} has shape {stored.shape}, but its axes are {local.axis_order}; correct {PROPERTIES}")
    if min(begin.values()) < 0:
        raise DataError(
            f"{local}: the bounding box begins at {local.start} (x, y, z), but the layer's arrays begin at 0; "
            f"correct {PROPERTIES}"
        )
    short = [axis for axis, size in zip(local.axis_order, stored.shape, strict=True) if size < end[axis]]
    if short or ("c" not in local.axis_order and shape["c"] > 1):
        raise DataError(
            f"{local} has shape {stored.shape} for the axes {local.axis_order}, which is less than the layer's "
            f"bounding box and its {shape['c']} channels; is it complete?"
        )
    return begin, shape


def _moved(entry: slice, begin: int) -> slice:
    return slice(entry.start + begin, entry.stop + begin)


def _read_padded(stored: StoredVoxels, box: Slices) -> NDArray[Any]:
    """Return a box of the array; what lies beyond the array is zeros."""
    held = tuple(slice(entry.start, min(entry.stop, size)) for entry, size in zip(box, stored.shape, strict=True))
    if held == box:
        return stored[box]
    block = np.zeros([entry.stop - entry.start for entry in box], stored.dtype)
    if all(entry.start < entry.stop for entry in held):
        block[tuple(slice(0, entry.stop - entry.start) for entry in held)] = stored[held]
    return block


def _claims(path: Path) -> bool:
    return (path / PROPERTIES).is_file()


FORMAT = FileFormat(
    name="webknossos",
    extensions=(),
    open=open_dataset,
    library="zarr",
    install="dalsegno",
    claims=_claims,
)
