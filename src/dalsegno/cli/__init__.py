"""The commands. Each lies in a file of its own and imports what it needs when it is called."""

import sys
from importlib import import_module
from typing import Any

import typer

from dalsegno.cli.arguments import print_json
from dalsegno.errors import DalsegnoError

__all__ = ["app", "main"]

COMMANDS = ("run", "check", "runs", "show", "compare", "predict")

app = typer.Typer(
    name="dalsegno",
    help="Train, validate, compare and apply networks that segment large multi-dimensional images.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in COMMANDS:
    module: Any = import_module(f"dalsegno.cli.{command}")
    app.command(command)(getattr(module, command))


def main() -> None:
    """Run the command line; a user's mistake ends in one message and exit code 2."""
    try:
        app()
    except DalsegnoError as error:
        if "--json" in sys.argv:
            print_json({"error": type(error).__name__, "problems": [str(problem) for problem in error.problems]})
        typer.secho(f"error: {error}", fg="red", err=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
