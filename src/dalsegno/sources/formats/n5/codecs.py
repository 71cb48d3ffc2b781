"""The compressions of N5 blocks."""

import bz2
import lzma
import struct
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dalsegno.errors import DataError

__all__ = ["READ_ONLY", "check_compression", "decode", "encode"]

READ_ONLY = ("lz4",)
"""Compressions that are read but not written: writers disagree about their frames."""

_KNOWN = ("raw", "gzip", "bzip2", "xz", "zstd", "blosc", *READ_ONLY)
_ZLIB_OR_GZIP, _ZLIB, _GZIP = 47, 15, 31
_LZ4_FRAME, _LZ4_RAW = b"LZ4Block", 0x10


def check_compression(compression: Mapping[str, Any], what: str) -> None:
    """Check that blocks of a compression can be read.

    Raises
    ------
    DataError
        If they can't.
    """
    if compression.get("type") not in _KNOWN:
        raise DataError(
            f"{what} is compressed with {compression.get('type')!r}, but N5 is read with {', '.join(_KNOWN)}; "
            "convert it to one of these"
        )


def decode(compression: Mapping[str, Any], content: bytes, nbytes: int) -> bytes:
    """Return the `nbytes` bytes of voxels of a block.

    Raises
    ------
    ValueError
        If the content is damaged.
    """
    try:
        return _decoded(compression["type"], content, nbytes)
    except (RuntimeError, OSError, EOFError, lzma.LZMAError, zlib.error, struct.error) as error:
        raise ValueError(f"its {compression['type']} compression is damaged ({error})") from error


def _decoded(kind: str, content: bytes, nbytes: int) -> bytes:
    import numcodecs

    if kind == "gzip":
        return zlib.decompress(content, _ZLIB_OR_GZIP, nbytes)
    if kind == "bzip2":
        return bz2.decompress(content)
    if kind == "xz":
        return lzma.decompress(content)
    if kind == "zstd":
        return bytes(numcodecs.Zstd().decode(content))
    if kind == "blosc":
        return bytes(numcodecs.Blosc().decode(content))
    return _lz4(content, nbytes) if kind == "lz4" else content


def encode(compression: Mapping[str, Any], voxels: NDArray[Any]) -> bytes:
    """Return the content of a block; `voxels` are contiguous and in the byte order of N5."""
    import numcodecs

    kind, level = compression["type"], compression.get("level", -1)
    if kind == "gzip":
        packer = zlib.compressobj(level, wbits=_ZLIB if compression.get("useZlib") else _GZIP)
        return packer.compress(voxels.tobytes()) + packer.flush()
    if kind == "bzip2":
        return bz2.compress(voxels.tobytes(), compression.get("blockSize", 9))
    if kind == "xz":
        return lzma.compress(voxels.tobytes(), preset=compression.get("preset", 6))
    if kind == "zstd":
        return bytes(numcodecs.Zstd(max(level, 0)).encode(voxels.tobytes()))
    if kind == "blosc":
        options = {name: compression[name] for name in ("cname", "clevel", "shuffle", "blocksize")}
        return bytes(numcodecs.Blosc(**options).encode(voxels))
    return voxels.tobytes()


def _lz4(content: bytes, nbytes: int) -> bytes:
    """Unpack the frames that Java writes, or the single bare block that z5 writes."""
    if not content.startswith(_LZ4_FRAME):
        return _lz4_block(content, nbytes)
    parts, at, header = [], 0, struct.Struct("<8sBiii")
    while at < len(content):
        magic, token, packed, unpacked, _ = header.unpack_from(content, at)
        if magic != _LZ4_FRAME:
            raise ValueError("a frame of its lz4 compression is damaged")
        block = content[at + header.size : at + header.size + packed]
        if unpacked:  # the last frame is empty
            parts.append(block if token & 0xF0 == _LZ4_RAW else _lz4_block(block, unpacked))
        at += header.size + packed
    return b"".join(parts)


def _lz4_block(block: bytes, nbytes: int) -> bytes:
    from numcodecs.lz4 import decompress

    return bytes(np.asarray(decompress(struct.pack("<i", nbytes) + block)).tobytes())
