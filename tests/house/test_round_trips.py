"""Every config class survives the way to plain values and back."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dalsegno.components import ROOMS, component_names, config_class
from dalsegno.store.converter import structure, unstructure
from dalsegno.testing.strategies import configs

CLASSES = [config_class(name, kind) for kind in ROOMS for name in component_names(kind)]


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_structure_of_unstructure_is_the_config(cls, data):
    config = data.draw(configs(cls))
    assert structure(unstructure(config), cls) == config
    kind = next(base for base in cls.__mro__ if base.__name__.lower() == f"{cls.kind}config")
    assert structure(unstructure(config), kind) == config
