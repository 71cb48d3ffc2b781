"""The door to every component class, and what a converter must know of them.

Every component class is an attribute of this module (``conversion_hooks.ZarrArrayConfig``), found when
it is asked for: importing this module imports none of them.
"""

import attrs
from cattrs import Converter

from dalsegno import components
from dalsegno.errors import ConfigError
from dalsegno.store.config_hooks import structure_class, unstructure_class
from dalsegno.store.container_hooks import register_container_hooks
from dalsegno.store.value_hooks import register_value_hooks

__all__ = ["cls_fun", "register_hierarchy_hooks", "register_hooks"]


def register_hierarchy_hooks(converter: Converter) -> None:
    """Let the converter make config classes from mappings, by the name of their type, and back."""
    converter.register_structure_hook_func(attrs.has, lambda data, cls: structure_class(data, cls, converter))
    converter.register_unstructure_hook_func(attrs.has, lambda value: unstructure_class(value, converter))


def register_hooks(converter: Converter) -> None:
    """Register all hooks: containers, plain values, geometry, paths, and config classes."""
    register_container_hooks(converter)
    register_value_hooks(converter)
    register_hierarchy_hooks(converter)


def cls_fun(typ: str) -> type:
    """Return the component class of a name, such as ``"TaskConfig"`` or ``"DistanceTask"``.

    Raises
    ------
    ConfigError
        If no component has the name; the message says which are near.
    """
    return components.find_class(typ)


def __getattr__(name: str) -> type:
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return cls_fun(name)
    except ConfigError as error:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}: {error}", name=name) from error
