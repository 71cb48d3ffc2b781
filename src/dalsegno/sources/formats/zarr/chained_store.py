"""Containers by chained URLs, such as ``simplecache::https://...``: a cache on a disk on top of a server."""

import asyncio
from collections.abc import Mapping
from typing import Any

import fsspec
from fsspec.implementations.asyn_wrapper import AsyncFileSystemWrapper
from zarr.abc.store import ByteRequest, RangeByteRequest, SuffixByteRequest
from zarr.core.buffer import Buffer, BufferPrototype
from zarr.storage import FsspecStore

__all__ = ["ChainedStore"]


class ChainedStore(FsspecStore):
    """A store of zarr-python whose file system runs in threads: caches don't run in zarr-python's event loop."""

    @classmethod
    def at(cls, url: str, storage_options: Mapping[str, Any], *, read_only: bool) -> "ChainedStore":
        """Return the container at a URL."""
        system, path = fsspec.core.url_to_fs(url, **storage_options)
        return cls(AsyncFileSystemWrapper(system, asynchronous=True), path=path, read_only=read_only)

    async def get(self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None) -> Buffer | None:
        """Return a file or a part of it; None if it is not there."""
        # fsspec's caches are not safe for threads: two that fetch one file read it half written
        async with vars(self).setdefault("_turn", asyncio.Lock()):
            return await self._get(key, prototype, byte_range)

    async def _get(self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None) -> Buffer | None:
        if isinstance(byte_range, SuffixByteRequest):
            # fsspec's caches can't count from the end
            try:
                size = await self.fs._size(f"{self.path}/{key}")  # noqa: SLF001 - its public name is synchronous
            except self.allowed_exceptions:
                return None
            byte_range = RangeByteRequest(max(0, size - byte_range.suffix), size)
        return await super().get(key, prototype, byte_range)
