"""Neuroglancer precomputed, read only, presented (c), z, y, x.

tensorstore reads what it can read right. It takes chunks that cloud-volume packed (``.gz`` files, on disks) for
missing, which would read as zeros: layers that have such chunks are read with cloud-volume.
"""

import threading
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from attrs import define, field
from numpy.typing import NDArray

from dalsegno.errors import DataError
from dalsegno.sources.clients.cloudvolume import cloud_volume, reading_layer
from dalsegno.sources.errors import SourceError, reading
from dalsegno.sources.file_format import FileFormat, StoredVoxels
from dalsegno.sources.formats.precomputed.info import Level, read_level
from dalsegno.sources.indexing import Slices
from dalsegno.sources.storage.folder import StoredFolder
from dalsegno.sources.storage.tensorstore import tensorstore_works

_SCHEME = "precomputed"
_ENCODINGS = ("raw", "jpeg", "png", "compressed_segmentation")
_PACKED = (".gz", ".br", ".zstd", ".xz", ".bz2")


def open_precomputed(
    path: str,
    internal_path: str,
    mode: str,  # noqa: ARG001 - never written
    mip: int | None = None,
    fill_missing: bool = False,
    storage_options: Mapping[str, Any] | None = None,
) -> StoredVoxels:
    """Open a level of a layer: the finest, or `mip`, or the one whose key is `internal_path`.

    Chunks that are not stored are an error, or zeros with `fill_missing`.
    """
    place = path.removeprefix(f"{_SCHEME}://").removeprefix("file://")
    if "://" not in place and not Path(place).is_absolute():
        raise SourceError(f"{path} is no URL that can be opened; write {_SCHEME}://file:// before a path on a disk")
    folder = StoredFolder(place.rstrip("/"), storage_options)
    level = read_level(folder, mip, internal_path)
    extent, chunks = level.size[::-1], level.chunk[::-1]
    if level.channels > 1:
        extent, chunks = (level.channels, *extent), (level.channels, *chunks)
    reader = _Reader(folder, level, fill_missing)
    return StoredVoxels(extent, level.dtype, reader.read, chunks=chunks, geometry=level.geometry)


class _ChunkMissing(DataError):
    pass


@define(eq=False, slots=False)
class _Reader:
    folder: StoredFolder
    level: Level
    fill_missing: bool
    packed: bool = False
    holes: set[str] = field(factory=set)
    turn: Any = field(factory=threading.Lock)

    def read(self, roi: Slices) -> NDArray[Any]:
        """Read a box, with tensorstore if that reads it right."""
        reason = self._hindrance()
        if reason is None:
            try:
                return self._by_tensorstore(roi, fill=False)
            except _ChunkMissing as missing:
                if not self._is_packed(roi):
                    if self.fill_missing:
                        return self._by_tensorstore(roi, fill=True)
                    raise
                reason = self._hindrance() or str(missing)
        return self._by_cloud_volume(roi, reason)

    def _hindrance(self) -> str | None:
        """Return why tensorstore can't read the level."""
        if self.level.encoding not in _ENCODINGS:
            return f"its encoding is {self.level.encoding!r}"
        if self.packed:
            return f"its chunks are packed ({', '.join(_PACKED)} files)"
        return None if tensorstore_works() else "this process was forked from one that used tensorstore"

    def _is_packed(self, roi: Slices) -> bool:
        """Look for chunks of a box that are stored in packed form only; on a server once for each hole."""
        names = [] if self.level.sharded else [n for n in self.level.chunk_names(roi[:-4:-1]) if n not in self.holes]
        missing = [name for name, exists in zip(names, self.folder.exist(names), strict=True) if not exists]
        self.packed |= any(self.folder.exist([name + suffix for suffix in _PACKED for name in missing]))
        if not self.packed and not self.folder.is_local:
            self.holes.update(missing)
        return self.packed

    def _by_tensorstore(self, roi: Slices, *, fill: bool) -> NDArray[Any]:
        voxels = self._filled if fill else self._stored
        with reading(self.folder.path):
            try:
                return np.asarray(voxels[roi].read().result())
            except ValueError as error:
                if not str(error).startswith("NOT_FOUND"):
                    raise
                raise _ChunkMissing(
                    f"a chunk of {self.folder.path} is not stored; fill_missing=True takes zeros for it: {error}"
                ) from error

    @cached_property
    def _stored(self) -> Any:
        return self._tensorstore(fill=False)

    @cached_property
    def _filled(self) -> Any:
        return self._tensorstore(fill=True)

    def _tensorstore(self, *, fill: bool) -> Any:
        import tensorstore as ts

        spec = {
            "driver": "neuroglancer_precomputed",
            "kvstore": _kvstore(self.folder),
            "scale_index": self.level.mip,
            "fill_missing_data_reads": fill,
        }
        voxels = ts.open(spec, open=True, read=True).result()[ts.d["x", "y", "z"].translate_to[0]].T
        return voxels[0] if self.level.channels == 1 else voxels

    def _by_cloud_volume(self, roi: Slices, reason: str) -> NDArray[Any]:
        # over a server cloud-volume does not find packed chunks either
        if not self.folder.is_local and (self.packed or (self.fill_missing and self._is_packed(roi))):
            raise DataError(
                f"{self.folder.path}: {self._hindrance()}, which are read from disks only; copy the layer to one"
            )
        corner = self.level.corner
        box = tuple(slice(entry.start + at, entry.stop + at) for entry, at in zip(roi[:-4:-1], corner, strict=True))
        try:
            volume = self._volume
        except DataError as error:
            raise DataError(f"{self.folder.path}: {reason}, so tensorstore can't read it right; {error}") from error
        with self.turn, reading_layer(volume):
            voxels = np.asarray(volume[box]).transpose(3, 2, 1, 0)
        return voxels[0] if self.level.channels == 1 else voxels[roi[0]]

    @cached_property
    def _volume(self) -> Any:
        if self.folder.storage_options:
            raise DataError("cloud-volume takes no storage_options: set up its own, and use open_cloudvolume")
        place = f"file://{self.folder.path}" if self.folder.is_local else self.folder.path
        return cloud_volume(place, mip=self.level.mip, fill_missing=self.fill_missing)


def _kvstore(folder: StoredFolder) -> dict[str, Any]:
    """Return where the layer is, in the words of tensorstore."""
    if folder.is_local:
        return {"driver": "file", "path": f"{folder.path}/"}
    options = folder.storage_options or {}
    url = urlsplit(folder.path)
    inside = f"{url.path.strip('/')}/".lstrip("/")
    if url.scheme in ("http", "https"):
        return {"driver": "http", "base_url": f"{folder.path}/"}
    if url.scheme in ("gs", "gcs"):
        return {"driver": "gcs", "bucket": url.netloc, "path": inside}
    if url.scheme == "s3":
        place = {"driver": "s3", "bucket": url.netloc, "path": inside}
        if options.get("endpoint_url"):
            place |= {"endpoint": options["endpoint_url"], "aws_region": _region(options)}
        return {**place, "aws_credentials": {"type": "anonymous"}} if options.get("anon") else place
    raise SourceError(f"{folder.path}: precomputed layers are read by file, http(s), s3 and gs URLs; copy it to a disk")


def _region(options: Mapping[str, Any]) -> str:
    return str(options.get("client_kwargs", {}).get("region_name", "us-east-1"))


def _claims(path: Path) -> bool:
    info = StoredFolder(str(path)).read_json("info") if (path / "info").is_file() else None
    return info is not None and "scales" in info


FORMAT = FileFormat(
    name=_SCHEME,
    extensions=(),
    open=open_precomputed,
    library="tensorstore",
    install="dalsegno",
    claims=_claims,
    remote=True,
    schemes=(_SCHEME,),
)
