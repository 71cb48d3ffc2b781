"""``dalsegno runs``."""

from dalsegno.cli.arguments import Json, Store, open_store, print_json


def runs(store: Store = None, json: Json = False) -> None:
    """List the runs of the store: how far they are, their last loss and best scores."""
    from rich.console import Console

    from dalsegno.engine.compare import summary
    from dalsegno.view.tables import rows_table

    stores = open_store(store)
    rows = [summary(stores, name) for name in stores.configs.names("runs")]
    if json:
        print_json(rows)
    elif rows:
        Console().print(rows_table(rows))
    else:
        Console().print(f"no runs in {stores.root}; start one with: dalsegno run FILE")
