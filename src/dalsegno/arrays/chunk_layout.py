"""How voxels of an array that is created are put into chunks, and chunks into shards.

A chunk is what is read at least, a shard is a file, which is written at once.
"""

from collections.abc import Sequence

from attrs import frozen

__all__ = ["ChunkLayout", "chunk_layout"]

_CHUNK_VOXELS = 64**3
_SHARD_VOXELS = 128**3
_REGION_SHARD_VOXELS = 256**3


@frozen
class ChunkLayout:
    """Shapes in voxels, one number per spatial axis.

    Attributes
    ----------
    chunks
        Of a chunk.
    shards
        Of a shard, a multiple of the chunk; None where every chunk is a file of its own.
    """

    chunks: tuple[int, ...]
    shards: tuple[int, ...] | None


def chunk_layout(shape: Sequence[int], write_size: Sequence[int] | None = None) -> ChunkLayout:
    """Return chunks of about 64³ voxels in shards of up to 128³; of up to 256³ where it is known what is written.

    Parameters
    ----------
    shape
        Voxels of the array per spatial axis.
    write_size
        Voxels of the regions that are written, from the array's corner on: no two of them share a chunk or shard.
    """
    files = _edge(_SHARD_VOXELS if write_size is None else _REGION_SHARD_VOXELS, len(shape))
    axes = [
        _axis(size, region, _edge(_CHUNK_VOXELS, len(shape)), files)
        for size, region in zip(shape, write_size or shape, strict=True)
    ]
    chunks, shards = (tuple(sizes) for sizes in zip(*axes, strict=True))
    return ChunkLayout(chunks, None if shards == chunks else shards)


def _edge(voxels: int, dims: int) -> int:
    edge: int = round(voxels ** (1 / dims))
    return edge


def _axis(size: int, region: int, chunk: int, shard: int) -> tuple[int, int]:
    """Return the edges of chunk and shard along an axis, near the wanted ones."""
    if region >= size:
        chunk = min(size, chunk)
        return chunk, chunk * max(1, min(-(-size // chunk), shard // chunk))
    divisors = [number for number in range(1, region + 1) if region % number == 0]
    chunk = min(divisors, key=lambda number: max(number / chunk, chunk / number))
    return chunk, max(number for number in divisors if number % chunk == 0 and number <= max(shard, chunk))
