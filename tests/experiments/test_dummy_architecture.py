import pytest
import torch
from funlib.geometry import Coordinate

from dalsegno.errors import ConfigError
from dalsegno.experiments.architectures.dummy_architecture import DummyArchitecture, DummyArchitectureConfig


def test_one_convolution():
    config = DummyArchitectureConfig(name="dummy", num_in_channels=2, num_out_channels=5)
    network = config.architecture_type(config)
    assert isinstance(network, DummyArchitecture)
    assert (network.num_in_channels, network.num_out_channels, network.dims) == (2, 5, 3)
    assert network(torch.zeros(1, 2, *network.input_shape)).shape == (1, 5, 38, 18, 18)
    assert network.eval_shape_increase == Coordinate(0, 0, 0)
    assert network.scale(Coordinate(40, 4, 4)) == Coordinate(40, 4, 4)


def test_it_is_never_valid():
    config = DummyArchitectureConfig(num_in_channels=1, num_out_channels=1)
    assert config.verify() == (False, "This is a DummyArchitectureConfig and is never valid")
    with pytest.raises(ConfigError, match="num_in_channels"):
        DummyArchitectureConfig(num_in_channels=0, num_out_channels=1)
