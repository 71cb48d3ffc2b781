import pytest
import torch

from dalsegno.nets.conv_pass import conv_pass


def test_a_pass_convolves_with_each_kernel_in_turn():
    torch.manual_seed(0)
    convolutions = conv_pass(2, 5, kernels=((3, 3), (1, 5)))
    x = torch.randn(2, 2, 12, 12)
    first, second = convolutions[0], convolutions[2]
    torch.testing.assert_close(convolutions(x), second(first(x).relu()).relu())
    assert convolutions(x).shape == (2, 5, 10, 6)


@pytest.mark.parametrize("shape", [(2, 2, 8, 9), (2, 2, 5, 8, 9)])
def test_same_padding_keeps_the_shape_and_batch_norm_normalises(shape):
    kernel = (3,) * (len(shape) - 2)
    convolutions = conv_pass(2, 3, kernels=(kernel, kernel), padding="same", batch_norm=True)
    assert convolutions(torch.randn(shape)).shape == (2, 3, *shape[2:])
    normalised = convolutions[:-1](torch.randn(shape))
    assert normalised.mean().item() == pytest.approx(0, abs=1e-5)
