"""How the name of a type finds its class.

A component is one file in the room of its kind: the config class first, then the class that it builds.
The file is named after the component (``ZarrArrayConfig``, ``ZarrArray`` -> ``arrays/zarr_array.py``),
so a new component is one new file, found by its name. Components of other packages come in through
the entry point group ``dalsegno.components`` (``MyTask = "my_package.my_task"``).
"""

import importlib
import pkgutil
from contextlib import suppress
from difflib import get_close_matches
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from dalsegno.config import Config
from dalsegno.errors import ConfigError, DataError

__all__ = ["ROOMS", "component_names", "config_class", "find_class", "load_plugin"]

ROOMS = {
    "array": "dalsegno.arrays",
    "dataset": "dalsegno.experiments.datasets",
    "datasplit": "dalsegno.experiments.datasplits",
    "architecture": "dalsegno.experiments.architectures",
    "task": "dalsegno.experiments.tasks",
    "predictor": "dalsegno.experiments.tasks.predictors",
    "loss": "dalsegno.experiments.tasks.losses",
    "post_processor": "dalsegno.experiments.tasks.post_processors",
    "evaluator": "dalsegno.experiments.tasks.evaluators",
    "trainer": "dalsegno.experiments.trainers",
    "augment": "dalsegno.experiments.trainers.augments",
}
"""Kind of component -> the package that holds one file for each."""

ENTRY_POINTS = "dalsegno.components"


def find_class(name: str, kind: str | None = None) -> type:
    """Return the class that a type name stands for. Names are looked up, never evaluated.

    Parameters
    ----------
    name
        The name of a component, its config, or its parameters: ``"ZarrArray"``, ``"ZarrArrayConfig"``.
    kind
        One of `ROOMS`; all of them are searched without it.

    Raises
    ------
    ConfigError
        If no known component has the name; the message says which are near.
    """
    rooms = [ROOMS[kind]] if kind else list(ROOMS.values())
    stem = _squashed(name)
    for room in rooms:
        if (module := _modules(room).get(stem)) is not None:
            found = getattr(importlib.import_module(module), name, None)
            if isinstance(found, type):
                return found
    for entry in entry_points(group=ENTRY_POINTS):
        if _squashed(entry.name) == stem:
            try:
                found = getattr(load_plugin(_module(entry)), name, None)
            except DataError as error:
                raise ConfigError(f"{kind or 'component'} type {name!r}: {error}") from error
            if isinstance(found, type):
                return found
    known = [known for room_kind in ([kind] if kind else ROOMS) for known in component_names(room_kind)]
    bare = name.removesuffix("Config")
    near = get_close_matches(bare, known, 1, 0.5) or get_close_matches(bare.lower(), known, 1, 0.3)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
    raise ConfigError(f"unknown {kind or 'component'} type {name!r}; {hint}")


def config_class(name: str, kind: str) -> type[Config]:
    """Return the config class of a component named with or without ``Config``."""
    found = find_class(name.removesuffix("Config") + "Config", kind)
    if not issubclass(found, Config):
        raise ConfigError(f"{name!r} is not a config class")
    return found


def load_plugin(entry: EntryPoint) -> Any:
    """Return what an entry point of another package names.

    Raises
    ------
    DataError
        If it can't be loaded; the message names the plug-in and says why.
    """
    try:
        return entry.load()
    except Exception as error:  # another package's code: whatever it raises, the others go on
        raise DataError(
            f"the plug-in {entry.name} = {entry.value!r} can't be loaded ({type(error).__name__}: {error}); repair or "
            "uninstall the package that brings it"
        ) from error


@cache
def component_names(kind: str) -> tuple[str, ...]:
    """Return the names of the concrete components of a kind, imported to know their spelling.

    Plug-ins that can't be loaded are left out; who asks for one by name is told why.
    """
    names = []
    modules = [importlib.import_module(module) for module in _modules(ROOMS[kind]).values()]
    for entry in entry_points(group=ENTRY_POINTS):
        with suppress(DataError):
            modules.append(load_plugin(_module(entry)))
    for module in modules:
        for value in vars(module).values():
            concrete = isinstance(value, type) and issubclass(value, Config) and value.__module__ == module.__name__
            if concrete and value.kind == kind and Config not in value.__bases__:
                names.append(value.__name__.removesuffix("Config"))
    return tuple(sorted(names))


def _module(entry: EntryPoint) -> EntryPoint:
    """Return the entry point of the module: which of its names is meant follows from the component's."""
    return EntryPoint(entry.name, entry.value.partition(":")[0], entry.group)


@cache
def _modules(package: str) -> dict[str, str]:
    """Map ``zarrarray`` to ``dalsegno.arrays.zarr_array`` for every file of a room."""
    path = importlib.import_module(package).__path__
    stems = [module.name for module in pkgutil.iter_modules(path) if not module.ispkg]
    return {_squashed(stem): f"{package}.{stem}" for stem in stems}


def _squashed(name: str) -> str:
    return name.removesuffix("Config").removesuffix("Parameters").replace("_", "").lower()
