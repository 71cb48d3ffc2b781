"""How voxels of an array that is created are put into chunks, and chunks into shards.

A chunk is what is read at least, a shard is a file, which is written at once.
"""

from collections.abc import Sequence
from math import ceil, isqrt, log2, prod

from attrs import frozen

from dalsegno.errors import DataError

__all__ = ["ChunkLayout", "chunk_layout"]

_CHUNK_VOXELS = 64**3
_TOLERANCE = 16  # how many times larger, smaller, longer or flatter than a cube of these a chunk may be
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

    What a thin axis leaves of the voxels is spent on the others. Where regions can't be divided so, chunks have up to
    16 times more or fewer voxels (25³ to 161³); only where array or regions are small they are smaller.

    Parameters
    ----------
    shape
        Voxels of the array per spatial axis.
    write_size
        Voxels of the regions that are written, from the array's corner on: no two of them share a chunk or shard.

    Raises
    ------
    DataError
        If the write size has no divisors that could be edges of chunks, as a large prime; the message names the
        nearest that has.
    """
    axes = [
        _Axis(size, region < size, min(size, region)) for size, region in zip(shape, write_size or shape, strict=True)
    ]
    edges = _edges([axis.extent for axis in axes], _CHUNK_VOXELS)
    chunks = tuple(axis.chunk(edge) for axis, edge in zip(axes, edges, strict=True))
    if prod(map(_apart, chunks, edges)) > _TOLERANCE:
        raise _indivisible(axes, edges, write_size or shape)
    files = _SHARD_VOXELS if write_size is None else _REGION_SHARD_VOXELS
    together = _together([axis.counts(chunk) for axis, chunk in zip(axes, chunks, strict=True)], files / prod(chunks))
    shards = tuple(chunk * count for chunk, count in zip(chunks, together, strict=True))
    return ChunkLayout(chunks, None if shards == chunks else shards)


@frozen
class _Axis:
    """An axis of the array: its length, and whether chunks must divide the extent that is written at once."""

    size: int
    divided: bool
    extent: int

    def chunk(self, edge: float) -> int:
        """Return the possible edge of a chunk that is nearest to the wanted one."""
        if self.divided:
            return min(_divisors(self.extent), key=lambda number: round(_apart(number, edge), 6))
        return self.size if edge >= self.size else min(self.size, 2 ** round(log2(edge)))

    def counts(self, chunk: int) -> Sequence[int]:
        """Return how many chunks a shard may have along the axis."""
        return _divisors(self.extent // chunk) if self.divided else range(1, ceil(self.size / chunk) + 1)


def _edges(extents: Sequence[int], voxels: int) -> list[float]:
    """Return the edges of a box of so many voxels, as equal as they can be where none exceeds its extent."""
    edges, left = [0.0] * len(extents), float(voxels)
    for place, axis in enumerate(sorted(range(len(extents)), key=extents.__getitem__)):
        edges[axis] = min(extents[axis], left ** (1 / (len(extents) - place)))
        left /= edges[axis]
    return edges


def _together(counts: Sequence[Sequence[int]], chunks: float) -> list[int]:
    """Return how many chunks per axis make a shard of up to so many, as equal as they can be."""
    together = [1] * len(counts)
    for place, axis in enumerate(sorted(range(len(counts)), key=lambda axis: counts[axis][-1])):
        together[axis] = max((count for count in counts[axis] if count ** (len(counts) - place) <= chunks), default=1)
        chunks /= together[axis]
    return together


def _divisors(number: int) -> list[int]:
    small = [divisor for divisor in range(1, isqrt(number) + 1) if number % divisor == 0]
    return sorted({*small, *(number // divisor for divisor in small)})


def _apart(number: float, wanted: float) -> float:
    return max(number / wanted, wanted / number)


def _indivisible(axes: Sequence[_Axis], edges: Sequence[float], write_size: Sequence[int]) -> DataError:
    near = _TOLERANCE ** (1 / len(axes))

    def divisible(region: int, edge: float) -> bool:
        return any(_apart(divisor, edge) <= near for divisor in _divisors(region))

    nearest = tuple(
        next(number for away in range(region) for number in (region - away, region + away) if divisible(number, edge))
        if axis.divided
        else region
        for axis, edge, region in zip(axes, edges, write_size, strict=True)
    )
    return DataError(
        f"regions of {tuple(write_size)} voxels can't be divided into chunks of about "
        f"{tuple(round(edge) for edge in edges)} voxels, so reading would be slow; choose a write_size with more "
        f"divisors, such as {nearest} voxels"
    )
