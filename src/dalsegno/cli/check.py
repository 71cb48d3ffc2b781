"""``dalsegno check``."""

import typer

from dalsegno.cli.arguments import ExperimentFile, Json, Overrides, print_json, read_experiment


def check(file: ExperimentFile, overrides: Overrides = None, json: Json = False) -> None:
    """Check an experiment: its text, its data, and one batch. Prints every problem at once."""
    from rich.console import Console

    from dalsegno.engine.check import check as check_experiment
    from dalsegno.errors import ConfigError
    from dalsegno.view.tables import rows_table

    config = read_experiment(file, overrides)
    report = check_experiment(config)
    if json:
        problems = [str(problem) for problem in report.problems]
        print_json({"problems": problems, "datasets": report.datasets, "batch": report.batch})
        raise typer.Exit(2 if problems else 0)
    console = Console()
    console.print(rows_table(report.datasets, title="data"))
    console.print(rows_table(report.batch, title="one batch of each training dataset"))
    if report.problems:
        raise ConfigError(report.problems)
    console.print(f"{file}: no problems; train it with: dalsegno run {file}")
