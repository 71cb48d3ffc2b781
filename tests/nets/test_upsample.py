import pytest
import torch

from dalsegno.nets.upsample import repeat_voxels, upsample


@pytest.mark.parametrize("factor", [(2, 3), (1, 2, 2)])
def test_mixing_before_repeating_gives_the_same_as_after(factor):
    torch.manual_seed(0)
    x = torch.randn(2, 6, *(4,) * len(factor))
    constant = upsample(6, 3, factor, constant=True)
    mix, repeat = constant
    torch.testing.assert_close(constant(x), mix(repeat(x)))


def test_repeated_voxels():
    x = torch.arange(4.0).reshape(1, 1, 2, 2)
    expected = [[0, 0, 0, 1, 1, 1], [2, 2, 2, 3, 3, 3]]
    assert repeat_voxels((1, 3))(x)[0, 0].tolist() == expected


@pytest.mark.parametrize("factor", [(2, 3), (1, 2, 2)])
def test_a_transposed_convolution_enlarges_by_the_factor(factor):
    layer = upsample(64, 32, factor, constant=False)
    sizes = [4 * f for f in factor]
    assert layer(torch.randn(1, 64, *(4,) * len(factor))).shape == (1, 32, *sizes)
    assert layer[0].weight.std().item() == pytest.approx((2 / 64) ** 0.5, rel=0.05)
