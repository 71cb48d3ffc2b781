"""A component is one file, found by its name."""

import inspect
from pathlib import Path

import pytest

from dalsegno.components import ROOMS, component_names, config_class, find_class

WITH_CONFIGS = ("array", "dataset", "datasplit", "architecture", "task", "trainer", "augment")


def configs(kind):
    return [(name, config_class(name, kind)) for name in component_names(kind)]


@pytest.mark.parametrize("kind", WITH_CONFIGS)
def test_there_are_components_of_each_kind(kind):
    assert kind in ROOMS
    assert component_names(kind)


@pytest.mark.parametrize("kind", ROOMS)
def test_components_are_found_by_every_spelling_of_their_names(kind):
    for name, config in configs(kind):
        assert config.__name__ == f"{name}Config"
        assert config.kind == kind
        assert config is config_class(f"{name}Config", kind) is find_class(f"{name}Config")


@pytest.mark.parametrize("kind", ROOMS)
def test_components_live_in_the_file_of_their_name_with_what_they_build(kind):
    for name, config in configs(kind):
        file = Path(inspect.getfile(config))
        assert file.stem.replace("_", "") == name.lower()
        built = getattr(config, f"{kind}_type", None)
        if built is not None:
            assert built is find_class(name, kind)
            assert inspect.getsourcelines(config)[1] < inspect.getsourcelines(built)[1], f"{config} comes first"


@pytest.mark.parametrize("kind", ROOMS)
def test_configs_and_their_fields_are_documented(kind):
    for name, config in configs(kind):
        assert vars(config).get("__doc__"), name
        assert [field.name for field in config.__attrs_attrs__ if not field.metadata.get("help")] == []


def test_no_two_components_share_a_name():
    names = [name.lower() for kind in ROOMS for name in component_names(kind)]
    assert sorted(names) == sorted(set(names))
