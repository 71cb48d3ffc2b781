import pytest
from cattrs import Converter

from dalsegno.errors import ConfigError
from dalsegno.store import conversion_hooks


def test_an_unknown_class_is_no_attribute():
    assert not hasattr(conversion_hooks, "NoSuchArrayConfig")
    assert not hasattr(conversion_hooks, "__wrapped__")


def test_an_unknown_class_is_an_error_and_nothing_is_evaluated():
    with pytest.raises(ConfigError, match="unknown component type"):
        conversion_hooks.cls_fun("__import__('os').getcwd()")


def test_component_classes_are_attributes():
    array_room = pytest.importorskip("dalsegno.arrays.zarr_array")
    assert conversion_hooks.ZarrArrayConfig is array_room.ZarrArrayConfig
    assert conversion_hooks.cls_fun("ZarrArray") is array_room.ZarrArray


def test_hooks_register_with_a_given_converter():
    converter = Converter()
    conversion_hooks.register_hooks(converter)
    with pytest.raises(ConfigError, match="expected a whole number"):
        converter.structure("3", int)
