import pytest
import torch

from dalsegno.nets.attention import AttentionGate


@pytest.mark.parametrize("factor", [(2, 2), (1, 2, 3)])
def test_a_gate_weakens_whole_blocks_of_the_skip_connection(factor):
    torch.manual_seed(0)
    coarse = (3,) * len(factor)
    fine = tuple(size * f for size, f in zip(coarse, factor, strict=True))
    gate = AttentionGate(4, 8, factor=factor)
    skip = torch.rand(2, 4, *fine) + 0.1
    weight = gate(skip, torch.randn(2, 8, *coarse)) / skip
    assert weight.shape == skip.shape
    assert 0 < weight.min() < weight.max() < 1
    block = (slice(None), slice(None), *(slice(f) for f in factor))
    first = weight[:, :1, *(slice(1) for _ in factor)]
    torch.testing.assert_close(weight[block], first.expand_as(weight[block]))
