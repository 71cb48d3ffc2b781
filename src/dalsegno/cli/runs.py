"""``dalsegno runs``."""

from typing import TYPE_CHECKING, Any

from dalsegno.cli.arguments import Json, Store, open_store, print_json

if TYPE_CHECKING:
    from dalsegno.store.stores import Stores


def runs(store: Store = None, json: Json = False) -> None:
    """List the runs of the store: how far they are, their last loss and best scores."""
    from rich.console import Console

    from dalsegno.view.tables import rows_table

    stores = open_store(store)
    rows = [_summary(stores, name) for name in stores.configs.names("runs")]
    if json:
        print_json(rows)
    elif rows:
        Console().print(rows_table(rows))
    else:
        Console().print(f"no runs in {stores.root}; start one with: dalsegno run FILE")


def _summary(stores: "Stores", name: str) -> dict[str, Any]:
    """Return the line of one run; one that can't be read does not hide the others."""
    from dalsegno.engine.compare import summary
    from dalsegno.errors import DalsegnoError

    try:
        return summary(stores, name)
    except (DalsegnoError, LookupError, TypeError) as error:
        return {"name": name, "state": f"unreadable: {error}"}
