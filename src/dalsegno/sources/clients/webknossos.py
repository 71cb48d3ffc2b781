"""Layers of WEBKNOSSOS servers, and local ones that are no zarr, through WEBKNOSSOS' own client (AGPL, an extra)."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dalsegno.errors import DataError
from dalsegno.sources.formats.webknossos.dataset import XYZ, LayerMissing, OpenedMag, mag_name
from dalsegno.sources.indexing import Slices

__all__ = ["open_with_client"]


def open_with_client(dataset: str, organization_id: str | None, layer_name: str, mag: XYZ) -> OpenedMag:
    """Open a magnification of a layer.

    Parameters
    ----------
    dataset
        A folder, the name or URL of a dataset, or the URL of an annotation.
    organization_id
        Organization that has the dataset, where it is given by name.
    layer_name, mag
        Which layer, and which magnification of it.

    Raises
    ------
    LayerMissing
        If there is no such layer or magnification; an `IndexError`.
    DataError
        If the client is not installed, the server can't be reached, or it refuses.
    """
    wk = _client(dataset)
    with _reaching(dataset):
        opened = _open_dataset(wk, dataset, organization_id)
        layers = dict(opened.layers)
    if layer_name not in layers:
        raise LayerMissing(f"no layer {layer_name!r} in {dataset}; it has {', '.join(layers) or 'none'}")
    layer = layers[layer_name]
    mags = {_xyz(one.to_tuple()): view for one, view in layer.mags.items()}
    if mag not in mags:
        held = ", ".join(map(mag_name, sorted(mags))) or "none"
        raise LayerMissing(f"layer {layer_name!r} of {dataset} has no mag {mag_name(mag)}; it has {held}")
    with _reaching(dataset):
        return _opened(wk, mags[mag], layer, mag)


def _client(dataset: str) -> Any:
    try:
        with warnings.catch_warnings():
            # it tells of readers of images that it would convert
            warnings.simplefilter("ignore")
            import webknossos
    except ImportError as error:
        raise DataError(
            f"{dataset} is no folder with zarr layers, and WEBKNOSSOS' client, which reads the rest, is not installed: "
            "pip install 'dalsegno[webknossos]'"
        ) from error
    return webknossos


def _open_dataset(wk: Any, dataset: str, organization_id: str | None) -> Any:
    if Path(dataset).is_dir():
        return wk.Dataset.open(dataset)
    # versions before 4 open remote datasets with the class of local ones
    open_remote = wk.RemoteDataset.open if hasattr(wk, "RemoteDataset") else wk.Dataset.open_remote
    try:
        return open_remote(dataset, organization_id=organization_id)
    except ValueError:
        return wk.Annotation.open_as_remote_dataset(dataset)


def _opened(wk: Any, view: Any, layer: Any, mag: XYZ) -> OpenedMag:
    # not the bounding box of view.info, which ends with the last shard
    box, info = view.bounding_box, view.info
    top_left = _xyz(box.topleft)

    def read(roi: Slices) -> NDArray[Any]:
        begin = [start + entry.start * step for start, entry, step in zip(top_left, roi[::-1], mag, strict=True)]
        extent = [entry.stop - entry.start for entry in roi[::-1]]
        size = [count * step for count, step in zip(extent, mag, strict=True)]
        with _reaching(str(view)):
            block = view.read(absolute_bounding_box=wk.BoundingBox(begin, size))
        if block.shape != (1, *extent):
            raise DataError(f"{view} gave voxels of shape {block.shape}, where (1, {extent}) was asked for")
        return np.asarray(block[0]).transpose(2, 1, 0)

    return OpenedMag(
        layer=view,
        top_left=top_left,
        size=_xyz(box.size),
        num_channels=int(layer.num_channels),
        chunks=_xyz(info.chunk_shape)[::-1],
        dtype=np.dtype(info.voxel_type),
        read=read,
    )


def _xyz(numbers: Any) -> XYZ:
    x, y, z = (int(number) for number in tuple(numbers)[:3])
    return x, y, z


@contextmanager
def _reaching(dataset: str) -> Iterator[None]:
    try:
        yield
    except DataError:
        raise
    except Exception as error:
        known = isinstance(error, (OSError, ValueError, RuntimeError, AssertionError))
        if known or type(error).__module__.partition(".")[0] in ("webknossos", "httpx", "httpcore"):
            raise DataError(
                f"{dataset} can't be read through the webknossos client: {type(error).__name__}: {error}; check the "
                "name or URL, organization_id, and WK_URL and WK_TOKEN in the environment"
            ) from error
        raise
