"""``dalsegno show``."""

from dalsegno.cli.arguments import Criterion, Json, RunName, Store, open_store, print_json


def show(
    run: RunName,
    store: Store = None,
    criterion: Criterion = None,
    json: Json = False,
) -> None:
    """Show one run: its state, its scores over iterations, and its config."""
    from attrs import asdict
    from rich.console import Console
    from rich.syntax import Syntax

    from dalsegno.engine.compare import read_run, score_row, summary
    from dalsegno.store.document import dump_yaml
    from dalsegno.view.tables import rows_table

    stores = open_store(store)
    record = read_run(stores, run)
    chosen = criterion or record.primary
    record.scores.check_criterion(chosen)
    varied = record.scores.varied_parameters
    rows = [score_row(row, chosen, varied) for row in record.scores.rows]
    if json:
        scores = [asdict(row) for row in record.scores.rows]
        print_json({"summary": summary(stores, run), "config": record.config, "scores": scores})
        return
    console = Console()
    console.print(rows_table([summary(stores, run)]))
    best = record.scores.best(chosen)
    if best is not None:
        console.print(rows_table(rows, title=f"{chosen}, every iteration and setting"))
        console.print(rows_table([score_row(best, chosen, varied)], title="best"))
    console.print(Syntax(dump_yaml(record.config), "yaml", background_color="default"))
