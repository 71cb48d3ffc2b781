"""Where the store is: from arguments, the environment, or a file ``dalsegno.yaml``."""

import os
from pathlib import Path
from typing import Any, Literal

from attrs import evolve
from upath import UPath

from dalsegno.config import Config, config, field, fields
from dalsegno.errors import ConfigPath
from dalsegno.store.converter import structure
from dalsegno.store.document import Document, read_document

__all__ = ["Options", "load_options"]

FILE = "dalsegno.yaml"
DEFAULT = "./store"


@config
class Options(Config):
    """What holds for all experiments of a machine or project."""

    store: UPath = field(help="folder of the store; in a file relative to that file", default=DEFAULT)
    type: Literal["files"] = field(help="how things are kept: files, in the folder of the store", default="files")


def load_options(**overrides: Any) -> Options:
    """Return the options, each from the first place that has it.

    These are the arguments, environment variables (``DALSEGNO_STORE``), the options file
    (``DALSEGNO_OPTIONS``, else ``dalsegno.yaml`` in the working directory), and the default. The path of
    the store is absolute in the result, so that it means the same after a change of directory.

    Raises
    ------
    ConfigError
        If an option is not known or has a wrong value, or the options file can't be read.
    """
    document = _options_file()
    environment = _environment()
    values = {"store": DEFAULT} | document.data | environment | overrides
    if isinstance(values["store"], (str, os.PathLike)):
        by_file = "store" in document.data.keys() - environment.keys() - overrides.keys()
        values["store"] = _absolute(str(values["store"]), Path(document.source).parent if by_file else Path())
    sources: dict[ConfigPath, str] = {(name,): _variable(name) for name in environment}
    sources |= {(name,): "arguments" for name in overrides}
    return structure(values, Options, evolve(document, assignments=sources))


def _options_file() -> Document:
    named = os.environ.get("DALSEGNO_OPTIONS")
    if named:
        return read_document(Path(named).expanduser())
    return read_document(FILE) if Path(FILE).exists() else Document({}, source="the options")


def _environment() -> dict[str, str]:
    names = [attribute.name for attribute in fields(Options)]
    return {name: os.environ[_variable(name)] for name in names if os.environ.get(_variable(name))}


def _variable(name: str) -> str:
    return f"DALSEGNO_{name.upper()}"


def _absolute(path: str, folder: Path) -> str:
    """Return a local path as an absolute one, ``~`` expanded; a URL as it is."""
    return path if "://" in path else str((folder / Path(path).expanduser()).absolute())
