"""``dalsegno check``."""

from dalsegno.cli.arguments import ExperimentFile, Json, Overrides, print_json, read_experiment


def check(file: ExperimentFile, overrides: Overrides = None, json: Json = False) -> None:
    """Check an experiment: its text, its data, and one batch. Prints every problem at once."""
    from attrs import asdict
    from rich.console import Console

    from dalsegno.engine.check import check as check_experiment
    from dalsegno.view.tables import rows_table

    config, document = read_experiment(file, overrides)
    report = check_experiment(config)
    if report.problems:
        raise document.located(report.problems)
    if json:
        print_json({"problems": [], **asdict(report)})
        return
    console = Console()
    console.print(rows_table(report.datasets, title="data"))
    console.print(rows_table(report.batch, title="one batch of each training dataset"))
    for warning in report.warnings:
        console.print(f"warning: {warning}", style="yellow")
    console.print(f"{file}: no problems; train it with: dalsegno run {file}")
