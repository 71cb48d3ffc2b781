from math import prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dalsegno.ops.blocks import block_at, block_indices, block_shape, blocks, chunk_block_shape


@pytest.mark.parametrize(
    ("shape", "voxels", "block"),
    [
        ((1024, 1024, 1024), 2**24, (256, 256, 256)),
        ((300, 200, 100), 2**24, (300, 200, 100)),
        ((1, 30_000, 20_000), 2**24, (1, 3776, 2560)),
        ((5, 6, 7), 1, (1, 1, 1)),
    ],
)
def test_blocks_are_as_large_as_they_may_be(shape, voxels, block):
    assert block_shape(shape, voxels) == block
    assert prod(block) <= max(voxels, 1)


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 10)), min_size=1, max_size=3))
def test_blocks_cover_every_voxel_once(axes):
    shape, block = zip(*axes, strict=True)
    seen = np.zeros(shape, int)
    for box in blocks(shape, block):
        part = seen[box]
        assert 0 < part.size <= prod(block)
        seen[box] += 1
    assert (seen == 1).all()


def test_the_position_of_a_block_tells_what_it_covers():
    assert list(block_indices((5, 4), (3, 4))) == [(0, 0), (1, 0)]
    assert block_at((1, 0), (5, 4), (3, 4)) == (slice(3, 5), slice(0, 4))


@pytest.mark.parametrize(
    ("shape", "chunk", "voxels", "block"),
    [
        ((256, 256, 256), (64, 64, 64), 2**18, (64, 64, 64)),
        ((256, 256, 256), (32, 32, 32), 2**18, (32, 32, 256)),
        ((4, 100, 100), (1, 512, 512), 2**15, (3, 100, 100)),
        ((300, 300), (128, 128), 2**10, (128, 128)),
    ],
)
def test_blocks_of_chunks_cut_none(shape, chunk, voxels, block):
    found = chunk_block_shape(shape, chunk, voxels)
    assert found == block
    assert all(edge % c == 0 or edge == length for edge, c, length in zip(found, chunk, shape, strict=True))
