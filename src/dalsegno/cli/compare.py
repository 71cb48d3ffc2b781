"""``dalsegno compare``."""

from pathlib import Path
from typing import Annotated

import typer

from dalsegno.cli.arguments import Criterion, Json, Store, open_store, print_json


def compare(
    runs: Annotated[list[str], typer.Argument(metavar="RUN...", help="Names of runs.", show_default=False)],
    criterion: Criterion = None,
    plot: Annotated[Path | None, typer.Option("--plot", metavar="FILE.png", help="Draw loss and score curves.")] = None,
    store: Store = None,
    json: Json = False,
) -> None:
    """Compare runs by a score: the best iteration and parameters of each, for each dataset."""
    from rich.console import Console

    from dalsegno.engine.compare import best_scores, common_criterion, curves, judged_alike, read_run
    from dalsegno.errors import StoreError
    from dalsegno.view.tables import rows_table

    stores = open_store(store)
    records = [read_run(stores, run) for run in runs]
    criterion = criterion or common_criterion(records)
    rows = best_scores(stores, runs, criterion)
    if plot is not None:
        from dalsegno.view.curves import RunCurves, plot_curves

        higher = all(record.scores.higher(criterion) for record in records)
        lines = {run: RunCurves(*curves(stores, run, criterion)) for run in runs}
        try:
            plot_curves(lines, criterion, plot, higher_is_better=higher)
        except (OSError, ValueError) as error:
            raise StoreError(f"{plot} can't be written ({error}); give a path that ends in .png") from error
    if json:
        print_json(rows)
        return
    console = Console()
    if not judged_alike(records):
        console.print(f"the runs have different tasks, and {criterion} may not mean the same in all of them")
    console.print(rows_table(rows) if rows else "no scores yet: the runs have not been validated")
    if plot is not None:
        console.print(f"curves: {plot}")
