"""Layers of CloudVolume as sources, presented z, y, x."""

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dalsegno.errors import DataError
from dalsegno.sources.clients.cloudvolume import cloud_volume, reading_layer
from dalsegno.sources.errors import SourceError
from dalsegno.sources.indexing import Slices
from dalsegno.sources.registry import register_source, register_spec_kind
from dalsegno.sources.source import Source
from dalsegno.sources.source_spec import SourceSpec
from dalsegno.sources.storage.credentials import check_no_credentials

__all__ = ["CloudVolumeSource", "open_cloudvolume"]


class CloudVolumeSource(Source):
    """A layer of CloudVolume, or a box of it, presented z, y, x; it can be written where its storage can.

    Indices count from the corner of the view. Threads may share a source; they take turns.

    Parameters
    ----------
    volume
        An open ``CloudVolume``, stored x, y, z, channel, with one channel.
    offset
        Corner of the view in voxels of the layer, x, y, z; by default that of the layer.
    size
        Extent of the view in voxels, x, y, z; by default that of the layer.
    open_params
        What `open_cloudvolume` was given besides; by default it is read off the volume.

    Raises
    ------
    SourceError
        If the layer has several channels, or the view is not inside of it; a `ValueError`.
    """

    def __init__(
        self,
        volume: Any,
        offset: Sequence[int] | None = None,
        size: Sequence[int] | None = None,
        open_params: dict[str, Any] | None = None,
    ) -> None:
        channels = int(volume.shape[3])
        if channels != 1:
            raise SourceError(
                f"{volume.cloudpath} has {channels} channels, but a CloudVolumeSource is of a single-channel layer; "
                "open it with open_source, format='precomputed'"
            )
        self._volume = volume
        self._offset = _xyz(volume.voxel_offset if offset is None else offset, "offset")
        self._size = _xyz(volume.volume_size if size is None else size, "size")
        self._open_params = dict(_params_of(volume) if open_params is None else open_params)
        self._dtype: np.dtype[Any] = np.dtype(volume.dtype)
        self._lock, self._process = threading.Lock(), os.getpid()
        self._check_inside()

    def _check_inside(self) -> None:
        corner, extent = _xyz(self._volume.voxel_offset, "offset"), _xyz(self._volume.volume_size, "size")
        ends = [at + n for at, n in zip(self._offset, self._size, strict=True)]
        outside = any(a < b for a, b in zip(self._offset, corner, strict=True))
        outside |= any(end > at + n for end, at, n in zip(ends, corner, extent, strict=True))
        if min(self._size) < 0 or (outside and self._open_params.get("bounded", True)):
            raise SourceError(
                f"offset {self._offset}, size {self._size} (x, y, z) is not inside of {self._volume.cloudpath}, which "
                f"has offset {corner}, size {extent} at mip {self._volume.mip}; read beyond it with bounded=False and "
                "fill_missing=True"
            )

    @property
    def volume(self) -> Any:
        """The ``CloudVolume``."""
        return self._volume

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels per axis: z, y, x."""
        return self._size[::-1]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of what is read."""
        return self._dtype

    @property
    def chunks(self) -> tuple[int, ...] | None:
        """Shape of a chunk of the layer in voxels: z, y, x."""
        return _xyz(self._volume.chunk_size, "chunk_size")[::-1]

    @property
    def writable(self) -> bool:
        """Whether the layer can be written: layers behind HTTP can't."""
        read_only = getattr(getattr(self._volume, "image", None), "readonly", False)
        return not read_only and not self._volume.cloudpath.startswith(("http://", "https://"))

    def _getitem(self, roi: Slices) -> NDArray[Any]:
        with self._turn(), reading_layer(self._volume):
            block = np.asarray(self._volume[self._absolute(roi)])[..., 0].transpose(2, 1, 0)
        wanted = tuple(entry.stop - entry.start for entry in roi)
        if block.shape != wanted:
            raise DataError(
                f"{self._volume.cloudpath} gave {block.shape} voxels instead of {wanted}; open it without autocrop"
            )
        return block

    def _setitem(self, roi: Slices, value: NDArray[Any]) -> None:
        block = np.asfortranarray(value.transpose(2, 1, 0))[..., np.newaxis]
        with self._turn(), reading_layer(self._volume):
            self._volume[self._absolute(roi)] = block

    def _absolute(self, roi: Slices) -> Slices:
        pairs = zip(roi[::-1], self._offset, strict=True)
        return tuple(slice(entry.start + at, entry.stop + at) for entry, at in pairs)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if self._process != os.getpid():  # a lock that another thread held does not survive a fork
            self._lock, self._process = threading.Lock(), os.getpid()
        with self._lock:
            yield

    def to_spec(self) -> SourceSpec:
        """Return what reopens the view in another process."""
        params = {**self._open_params, "offset": list(self._offset), "size": list(self._size)}
        return SourceSpec("cloudvolume", _path_of(self._volume), params=params)

    @staticmethod
    def reopen(spec: SourceSpec) -> "CloudVolumeSource":
        """Open the layer of a spec."""
        return open_cloudvolume(spec.path or "", **spec.params)


def open_cloudvolume(  # noqa: PLR0913 - documented so
    cloudpath: str,
    mip: int = 0,
    fill_missing: bool = False,
    bounded: bool = True,
    cache: bool = False,
    non_aligned_writes: bool = True,
    offset: Sequence[int] | None = None,
    size: Sequence[int] | None = None,
    **kwargs: Any,
) -> CloudVolumeSource:
    """Open a layer of CloudVolume, presented z, y, x; it can be written where its storage can.

    Parameters
    ----------
    cloudpath
        ``"precomputed://gs://bucket/layer"``, ``"file:///data/layer"``. Relative paths are made absolute.
    mip
        Level of the pyramid, 0 the finest.
    fill_missing
        Whether chunks that are not stored read as zeros; by default they are an error. A layer that is written
        piece by piece, and whose size is no multiple of the chunk's, needs it.
    bounded
        Whether reading beyond the layer is an error.
    cache
        Whether chunks that were read are kept on a local disk.
    non_aligned_writes
        Whether pieces of chunks can be written: the whole chunk is then read and written, so no two processes
        may write to one chunk at a time.
    offset, size
        Corner and extent of a view in voxels at `mip`, x, y, z; by default those of the layer.
    **kwargs
        Further parameters of ``CloudVolume``. They are kept in the spec, so they hold no ``secrets``.

    Raises
    ------
    SourceError
        If the layer has several channels, the view is not inside of it, or credentials are given; a `ValueError`.
    FileMissing
        If there is no such layer; a `FileNotFoundError`.
    ArrayMissing
        If the layer has no such mip; a `KeyError`.
    DataError
        If the layer can't be opened, or cloud-volume is not installed.
    """
    check_no_credentials(cloudpath.removeprefix("precomputed://"))
    if kwargs.get("secrets"):
        raise SourceError(
            f"{cloudpath}: secrets would be stored wherever this source is described; "
            "put them into the folder ~/.cloudvolume/secrets"
        )
    params = {
        "mip": mip,
        "fill_missing": fill_missing,
        "bounded": bounded,
        "cache": cache,
        "non_aligned_writes": non_aligned_writes,
        **kwargs,
    }
    return CloudVolumeSource(cloud_volume(cloudpath, **params), offset=offset, size=size, open_params=params)


def _xyz(numbers: Sequence[int], what: str) -> tuple[int, ...]:
    given = tuple(int(number) for number in numbers)
    if len(given) != 3:
        raise SourceError(f"{what} {given} has {len(given)} numbers, but a layer has three axes: x, y, z")
    return given


def _params_of(volume: Any) -> dict[str, Any]:
    return {
        "mip": int(volume.mip),
        "fill_missing": bool(volume.fill_missing),
        "bounded": bool(volume.bounded),
        "cache": bool(volume.cache.enabled),
        "non_aligned_writes": bool(volume.non_aligned_writes),
    }


def _path_of(volume: Any) -> str:
    stored_as = getattr(volume.meta.path, "format", "precomputed")
    return str(volume.cloudpath) if stored_as == "precomputed" else f"{stored_as}://{volume.cloudpath}"


def _is_cloud_volume(obj: Any) -> bool:
    package = type(obj).__module__.partition(".")[0]
    return package == "cloudvolume" and hasattr(obj, "cloudpath") and not isinstance(obj, np.ndarray)


register_source(_is_cloud_volume, CloudVolumeSource)
register_spec_kind("cloudvolume", CloudVolumeSource.reopen)
