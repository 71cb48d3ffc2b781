import pytest
import torch

from dalsegno.nets.conv import Conv3d, conv


@pytest.mark.parametrize("kernel", [(3, 3, 3), (1, 3, 3), (1, 1, 1), (5, 3, 1)])
@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("fmaps_in", [1, 6])
def test_one_sample_is_convolved_as_torch_does(kernel, padding, fmaps_in):
    torch.manual_seed(0)
    quick = conv(fmaps_in, 4, kernel, padding=padding)
    plain = torch.nn.Conv3d(fmaps_in, 4, kernel, padding=padding)
    plain.load_state_dict(quick.state_dict())
    x = torch.randn(1, fmaps_in, 7, 9, 8)
    gradients = []
    for layer in (quick, plain):
        given = x.clone().requires_grad_()
        layer(given).square().sum().backward()
        gradients.append((given.grad, layer.weight.grad, layer.bias.grad))
    torch.testing.assert_close(quick(x), plain(x), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(*gradients, rtol=1e-3, atol=1e-3)


def test_other_types_and_devices_take_the_way_of_torch():
    for layer in (Conv3d(2, 3, 3).double(), Conv3d(2, 3, 3, device="meta")):
        x = torch.zeros(1, 2, 5, 5, 5).to(layer.weight)
        assert layer(x).shape == (1, 3, 3, 3, 3)
        assert layer(x).dtype == layer.weight.dtype


def test_autocast_takes_one_sample_like_several():
    layer = conv(8, 8, (3, 3, 3))
    x = torch.randn(2, 8, 6, 6, 6)
    with torch.autocast("cpu", torch.bfloat16):
        assert layer(x[:1]).dtype == layer(x).dtype


def test_weights_are_drawn_for_relu():
    weight = conv(32, 64, (3, 3, 3)).weight
    assert weight.std().item() == pytest.approx((2 / (32 * 27)) ** 0.5, rel=0.05)
