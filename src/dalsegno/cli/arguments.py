"""Arguments and options that several commands share."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from dalsegno.experiments.run import RunConfig
    from dalsegno.store.document import Document
    from dalsegno.store.stores import Stores

__all__ = [
    "Criterion",
    "ExperimentFile",
    "Json",
    "Overrides",
    "RunName",
    "Store",
    "open_store",
    "print_json",
    "read_experiment",
]

ExperimentFile = Annotated[Path, typer.Argument(metavar="FILE", help="Experiment, YAML or TOML.", show_default=False)]
RunName = Annotated[str, typer.Argument(metavar="RUN", help="Name of a run.", show_default=False)]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="A.B=VALUE", help="Change a value of the file: trainer_config.batch_size=4."),
]
Store = Annotated[str | None, typer.Option("--store", metavar="DIR", help="The store; ./store by default.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
Criterion = Annotated[
    str | None,
    typer.Option("--criterion", metavar="NAME", help="Score to choose by, such as f1_score; the first of the run."),
]


def open_store(folder: str | None) -> "Stores":
    """Open the store that the option, the environment or ``dalsegno.yaml`` names."""
    from dalsegno.store.options import load_options
    from dalsegno.store.stores import open_stores

    return open_stores(load_options(**({"store": folder} if folder is not None else {})))


def read_experiment(file: Path, overrides: list[str] | None) -> "tuple[RunConfig, Document]":
    """Read an experiment file; the document tells the line of a problem.

    Raises
    ------
    ConfigError
        With everything that is wrong in it.
    """
    from dalsegno.experiments.run import RunConfig
    from dalsegno.store.converter import structure
    from dalsegno.store.document import read_document

    document = read_document(file, overrides or ())
    return structure(document.data, RunConfig, document), document


def print_json(value: Any) -> None:
    """Print a value as JSON; what is not defined (NaN) is null."""
    import json

    typer.echo(json.dumps(_plain(value), indent=2))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and value != value:
        return None
    return value
