from math import prod

import pytest
import torch

from dalsegno.errors import DataError
from dalsegno.nets.unet import UNet, centre_crop
from dalsegno.nets.unet_plan import UNetPlan


def plan(factors, *, padding="valid", upsample_factors=(), kernels=None, **options):
    dims = len(factors[0])
    level = kernels or ((3,) * dims,) * 2
    return UNetPlan(
        fmaps_in=2,
        fmaps_out=3,
        num_fmaps=4,
        fmap_inc_factor=2,
        downsample_factors=factors,
        kernels_down=(level,) * (len(factors) + 1),
        kernels_up=(level,) * len(factors),
        upsample_factors=upsample_factors,
        padding=padding,
        **options,
    )


PLANS = {
    "2d": plan(((2, 2), (2, 2))),
    "3d": plan(((2, 2, 2),)),
    "anisotropic": plan(((1, 2, 2), (1, 2, 2)), kernels=((1, 3, 3), (1, 3, 3))),
    "odd factors": plan(((3, 2), (3, 3))),
    "mixed factors": plan(((2, 3), (3, 2))),
    "transposed": plan(((2, 2), (2, 2)), constant_upsample=False),
    "attention": plan(((2, 2), (2, 3)), use_attention=True),
    "attention 3d": plan(((1, 2, 2),), use_attention=True),
    "super-resolution": plan(((2, 2),), upsample_factors=((2, 2), (1, 2))),
    "batch norm": plan(((2, 2), (2, 2)), batch_norm=True),
}


@pytest.fixture(params=PLANS.values(), ids=PLANS)
def unet(request):
    torch.manual_seed(1)
    return UNet(request.param).eval()


def steps(plan):
    return tuple(prod(along) for along in zip(*plan.downsample_factors, strict=True))


def fitting_shape(plan, least):
    sizes = range(least, 10**3)
    return tuple(next(size for size in sizes if plan.output_size(size, axis)) for axis in range(plan.dims))


@torch.no_grad()
def test_valid_padding_is_translation_equivariant(unet):
    plan = unet.plan
    shape, step = fitting_shape(plan, 1), steps(plan)
    upsampled = tuple(prod(along) for along in zip((1,) * plan.dims, *plan.upsample_factors, strict=True))
    larger = torch.randn(1, 2, *(size + s for size, s in zip(shape, step, strict=True)))
    whole = unet(larger)
    for axis in range(plan.dims):
        start = [step[axis] if a == axis else 0 for a in range(plan.dims)]
        window = tuple(slice(first, first + size) for first, size in zip(start, shape, strict=True))
        tile = unet(larger[:, :, *window])
        at = [first * up for first, up in zip(start, upsampled, strict=True)]
        seen = tuple(slice(first, first + size) for first, size in zip(at, tile.shape[2:], strict=True))
        torch.testing.assert_close(tile, whole[:, :, *seen], rtol=1e-3, atol=1e-4)


@torch.no_grad()
def test_the_output_lies_in_the_middle_of_the_input(unet):
    """A network whose kernels are mirrored gives the mirrored output for the mirrored input."""
    axis = 1 + unet.plan.dims
    x = torch.randn(2, 2, *fitting_shape(unet.plan, 1))
    expected = unet(x).flip(axis)
    for parameter in unet.parameters():
        if parameter.ndim > 1:
            parameter.copy_(parameter.flip(axis))
    torch.testing.assert_close(unet(x.flip(axis)), expected, rtol=1e-3, atol=1e-4)


def test_every_weight_learns(unet):
    unet.train()
    unet(torch.randn(2, 2, *fitting_shape(unet.plan, 24))).square().mean().backward()
    assert [name for name, parameter in unet.named_parameters() if parameter.grad is None] == []


def test_the_shape_is_the_one_of_the_plan(unet):
    shape = fitting_shape(unet.plan, 24)
    assert unet(torch.randn(2, 2, *shape)).shape == (2, 3, *unet.plan.output_shape(shape))


@torch.no_grad()
def test_same_padding_keeps_the_shape():
    unet = UNet(plan(((1, 2, 2), (2, 3, 2)), padding="same", use_attention=True))
    assert unet(torch.randn(1, 2, 4, 12, 16)).shape == (1, 3, 4, 12, 16)


@torch.no_grad()
def test_a_batch_gives_what_its_samples_give(unet):
    x = torch.randn(3, 2, *fitting_shape(unet.plan, 1))
    torch.testing.assert_close(unet(x), torch.cat([unet(sample[None]) for sample in x]), rtol=1e-3, atol=1e-4)


def test_a_3d_network_has_no_2d_convolution():
    unet = UNet(PLANS["anisotropic"])
    assert not any(isinstance(module, torch.nn.Conv2d) for module in unet.modules())


def test_a_shape_that_does_not_go_through_is_refused():
    with pytest.raises(DataError, match="axis 1: 65"):
        UNet(PLANS["2d"])(torch.zeros(1, 2, 64, 65))


def test_centre_crop():
    x = torch.arange(36).reshape(1, 1, 6, 6)
    assert centre_crop(x, (2, 4))[0, 0].tolist() == [[13, 14, 15, 16], [19, 20, 21, 22]]
