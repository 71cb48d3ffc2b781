"""Every config class survives the way to plain values and back."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dalsegno.components import ROOMS, component_names, config_class
from dalsegno.config import Config
from dalsegno.experiments.run import RunConfig
from dalsegno.store.converter import structure, unstructure
from dalsegno.testing.strategies import configs

CLASSES = [config_class(name, kind) for kind in ROOMS for name in component_names(kind)] + [RunConfig]


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
@settings(max_examples=15, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_structure_of_unstructure_is_the_config(cls, data):
    config = data.draw(configs(cls, depth=1))
    assert structure(unstructure(config), cls) == config
    # a stored document says of itself what it is: the base of its kind is enough to read it
    base = next(base for base in cls.__mro__ if Config in base.__bases__)
    assert structure(unstructure(config), base) == config
