import pytest
import torch
from funlib.geometry import Coordinate
from hypothesis import given, settings
from hypothesis import strategies as st

from dalsegno.components import config_class
from dalsegno.errors import ConfigError, DataError
from dalsegno.experiments.architectures.cnnectome_unet import CNNectomeUNet, CNNectomeUNetConfig

SMALL = {
    "name": "unet",
    "input_shape": (64, 64, 64),
    "fmaps_in": 1,
    "fmaps_out": 8,
    "num_fmaps": 8,
    "fmap_inc_factor": 3,
    "downsample_factors": [(2, 2, 2), (2, 2, 2)],
}


def config_of(**changes):
    return CNNectomeUNetConfig(**SMALL | changes)


def problems_of(**changes):
    with pytest.raises(ConfigError) as error:
        config_of(**changes)
    return str(error.value)


@st.composite
def configs(draw):
    """Draw a narrow network of any layout, with an input shape that fits or does not."""
    dims, levels = draw(st.integers(2, 3)), draw(st.integers(1, 2))

    def several(numbers, size):
        return draw(st.lists(st.tuples(*[st.sampled_from(numbers)] * dims), min_size=size, max_size=size))

    return {
        "name": "drawn",
        "fmaps_in": 1,
        "fmaps_out": 2,
        "num_fmaps": 2,
        "fmap_inc_factor": 1,
        "input_shape": draw(st.tuples(*[st.integers(1, 40)] * dims)),
        "downsample_factors": several([1, 2, 3], levels),
        "kernel_size_down": [several([1, 3], draw(st.integers(1, 2))) for _ in range(levels + 1)],
        "kernel_size_up": [several([1, 3], draw(st.integers(1, 2))) for _ in range(levels)],
        "upsample_factors": several([1, 2], draw(st.integers(0, 1))),
        "padding": draw(st.sampled_from(["valid", "same"])),
        "constant_upsample": draw(st.booleans()),
        "use_attention": draw(st.booleans()),
    }


def nearest_fit(drawn):
    """Return the drawn config with sizes that fit, found by asking for them one by one."""
    shape = list(drawn["input_shape"])
    while True:
        try:
            return CNNectomeUNetConfig(**drawn | {"input_shape": shape})
        except ConfigError as error:
            for problem in error.problems:
                name, axis = problem.path
                assert name == "input_shape"
                shape[axis] = int(problem.message.split()[-1])


@settings(max_examples=60)
@given(configs())
@torch.no_grad()
def test_the_arithmetic_is_that_of_a_forward_pass(drawn):
    config = nearest_fit(drawn)
    network = CNNectomeUNet(config)
    given_shape = (1, 1, *config.input_shape)
    assert network(torch.zeros(given_shape)).shape == (1, 2, *config.output_shape(config.input_shape))


@settings(max_examples=60)
@given(configs())
@torch.no_grad()
def test_a_shape_that_the_config_rejects_breaks_the_network(drawn):
    """It can't be convolved, or voxels at its far border are never looked at."""
    config = nearest_fit(drawn)
    if drawn["input_shape"] == config.input_shape:
        return
    with pytest.raises(DataError, match=r"nearest that do are|smallest that does is"):
        config.output_shape(drawn["input_shape"])
    layers = torch.nn.Sequential(*CNNectomeUNet(config).unet.children())
    try:
        shape = layers(torch.zeros(1, 1, *drawn["input_shape"])).shape[2:]
    except RuntimeError:
        return
    for axis, size in enumerate(drawn["input_shape"]):
        if not config.plan.output_size(size, axis):
            assert shape[axis] in [config.plan.output_size(smaller, axis) for smaller in range(size)]


@pytest.mark.parametrize(("size", "output"), [(64, 24), (96, 56)])
def test_two_levels_of_two(size, output):
    assert config_of().output_shape(Coordinate((size,) * 3)) == Coordinate((output,) * 3)


def test_a_misfit_names_the_nearest_sizes_along_its_axis():
    message = problems_of(input_shape=(64, 102, 4))
    assert "input_shape[0]" not in message
    assert "input_shape[1]: 102 does not fit" in message
    assert "the nearest that do are 100 and 104" in message
    assert "input_shape[2]: 4 does not fit" in message
    assert "the smallest that does is 44" in message


def test_the_shape_in_prediction_must_fit_too():
    assert config_of(eval_shape_increase=(32, 0, 4)).eval_shape_increase == Coordinate(32, 0, 4)
    message = problems_of(eval_shape_increase=(32, 2, 0))
    assert "eval_shape_increase[1]: input_shape + eval_shape_increase: 66 does not fit" in message
    assert "64 and 68" in message


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"input_shape": (64,)}, "input_shape: must have 2 or 3 axes, got 1"),
        ({"input_shape": (64, 0, 64)}, "input_shape: must be above 0"),
        ({"downsample_factors": []}, "downsample_factors: must have at least one factor"),
        ({"downsample_factors": [(2, 2)]}, "downsample_factors[0]: (2, 2) does not fit input_shape (64, 64, 64)"),
        ({"downsample_factors": [(2, 2, 0)]}, "downsample_factors[0]: must be 1 or more"),
        ({"upsample_factors": [(2, 2, 2), (2, 2)]}, "upsample_factors[1]: (2, 2) does not fit"),
        ({"upsample_factors": [(2, -2, 2)]}, "upsample_factors[0]: must be 1 or more"),
        ({"eval_shape_increase": (4, 4)}, "eval_shape_increase: (4, 4) does not fit"),
        ({"eval_shape_increase": (4, 4, -4)}, "eval_shape_increase: must be 0 or more"),
        ({"kernel_size_down": [[(3, 3, 3)]] * 2}, "kernel_size_down: must have 3 lists"),
        ({"kernel_size_up": [[(3, 3, 3)]] * 3}, "kernel_size_up: must have 2 lists"),
        ({"kernel_size_up": [[(3, 3, 3)], []]}, "got [1, 0] kernels"),
        ({"kernel_size_up": [[(3, 3, 3)], [(3, 3)]]}, "kernel_size_up[1][0]: (3, 3) does not fit"),
        ({"kernel_size_up": [[(3, 3, 3), (1, 2, 2)]] * 2}, "kernel_size_up[0][1]: (1, 2, 2) has an even size"),
        ({"padding": "full"}, "padding: must be one of valid, same"),
        ({"fmaps_out": 0}, "fmaps_out: must be above 0"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(changes, message):
    assert message in problems_of(**changes)


def test_a_config_is_a_value():
    config = config_of(kernel_size_up=[[[3, 3, 3], [1, 1, 1]]] * 2)
    same = config_of(kernel_size_up=(((3, 3, 3), (1, 1, 1)),) * 2)
    assert config == same
    assert hash(config) == hash(same)
    assert config.verify() == (True, "No validation problems")
    assert config_class("CNNectomeUNet", "architecture") is CNNectomeUNetConfig


def test_the_architecture_says_what_its_config_says():
    config = config_of(eval_shape_increase=(32, 32, 32))
    network = CNNectomeUNetConfig.architecture_type(config)
    assert isinstance(network, CNNectomeUNet)
    assert (network.num_in_channels, network.num_out_channels, network.dims) == (1, 8, 3)
    assert (network.input_shape, network.eval_shape_increase) == (config.input_shape, config.eval_shape_increase)
    assert CNNectomeUNet(config_of()).eval_shape_increase == Coordinate(0, 0, 0)
    assert sum(parameter.numel() for parameter in network.parameters()) == 267_224


def test_super_resolution_divides_the_voxel_size():
    network = CNNectomeUNet(config_of(upsample_factors=[(2, 1, 1), (5, 2, 1)]))
    assert network.scale(Coordinate(40, 4, 4)) == Coordinate(4, 2, 4)
    with pytest.raises(DataError, match="finer unit"):
        network.scale(Coordinate(45, 4, 4))
    assert CNNectomeUNet(config_of()).scale(Coordinate(5, 4, 4)) == Coordinate(5, 4, 4)


def test_a_new_module_has_weights_of_its_own():
    network = CNNectomeUNet(config_of())
    first, second = network.unet, network.module()
    assert first.state_dict().keys() == second.state_dict().keys()
    assert not all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


def test_one_seed_gives_one_network():
    states = []
    for _ in range(2):
        torch.manual_seed(5)
        states.append(CNNectomeUNet(config_of()).state_dict())
    torch.testing.assert_close(*states, rtol=0, atol=0)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("shape", [(92, 92), (1, 92, 92)])
def test_flat_and_two_dimensional_data(padding, batch_norm, shape):
    dims = len(shape)
    flat = (1,) * (dims - 2)
    config = config_of(
        input_shape=shape,
        downsample_factors=[(*flat, 2, 2)] * 2,
        kernel_size_down=[[(*flat, 3, 3)] * 2] * 3,
        kernel_size_up=[[(*flat, 3, 3)] * 2] * 2,
        padding=padding,
        batch_norm=batch_norm,
    )
    output = CNNectomeUNet(config)(torch.randn(2, 1, *shape))
    side = 92 if padding == "same" else 52
    assert output.shape == (2, 8, *flat, side, side)
