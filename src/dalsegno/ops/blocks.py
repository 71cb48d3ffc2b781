"""How a volume is cut into blocks that fit in memory."""

from collections.abc import Iterator, Sequence
from itertools import product
from math import prod

__all__ = ["Box", "Index", "block_at", "block_indices", "block_shape", "blocks", "chunk_block_shape"]

Box = tuple[slice, ...]
"""A part of a volume, one slice of voxels per axis."""

Index = tuple[int, ...]
"""Position of a block among all, per axis."""

ALIGNED = 64
"""Blocks are whole multiples of this many voxels, as the chunks of most arrays are."""


def block_shape(shape: Sequence[int], voxels: int) -> tuple[int, ...]:
    """Return the shape of blocks of about so many voxels, or fewer: the longest axis is halved until it fits."""
    block = list(shape)
    while prod(block) > voxels and max(block) > 1:
        longest = block.index(max(block))
        half = -(-block[longest] // 2)
        block[longest] = -(-half // ALIGNED) * ALIGNED if half > ALIGNED else half
    return tuple(block)


def chunk_block_shape(shape: Sequence[int], chunk: Sequence[int], voxels: int) -> tuple[int, ...]:
    """Return the shape of blocks of whole chunks: one, or several along the last axes, of about so many voxels."""
    block = [min(edge, length) for edge, length in zip(chunk, shape, strict=True)]
    for axis in reversed(range(len(block))):
        block[axis] = min(block[axis] * max(voxels // max(prod(block), 1), 1), shape[axis])
    return tuple(block)


def block_indices(shape: Sequence[int], block: Sequence[int]) -> Iterator[Index]:
    """Yield the positions of the blocks that cover a volume, the last axis fastest; shapes in voxels."""
    return product(*(range(-(-length // edge)) for length, edge in zip(shape, block, strict=True)))


def block_at(index: Index, shape: Sequence[int], block: Sequence[int]) -> Box:
    """Return the part of a volume that a block covers, cut where the volume ends; shapes in voxels."""
    axes = zip(index, shape, block, strict=True)
    return tuple(slice(position * edge, min((position + 1) * edge, length)) for position, length, edge in axes)


def blocks(shape: Sequence[int], block: Sequence[int]) -> Iterator[Box]:
    """Yield the parts of a volume, block by block; shapes in voxels."""
    return (block_at(index, shape, block) for index in block_indices(shape, block))
