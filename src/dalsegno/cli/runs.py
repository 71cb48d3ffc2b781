"""``dalsegno runs``."""

from typing import TYPE_CHECKING, Any

from dalsegno.cli.arguments import Json, Store, open_store, print_json

if TYPE_CHECKING:
    from dalsegno.store.stores import Stores

COLUMNS = ("name", "state", "iteration", "of", "loss")


def runs(store: Store = None, json: Json = False) -> None:
    """List the runs of the store: how far they are, their last loss and best scores."""
    from rich.console import Console

    from dalsegno.view.tables import rows_table

    stores = open_store(store)
    rows = [_summary(stores, name) for name in stores.configs.names("runs")]
    if json:
        print_json(rows)
    elif rows:
        Console().print(rows_table(map(_line, rows)))
    else:
        Console().print(f"no runs in {stores.root}; start one with: dalsegno run FILE")


def _line(summary: dict[str, Any]) -> dict[str, Any]:
    """Return what a narrow table shows of a run: of its scores the first."""
    from dalsegno.view.tables import number

    line = {name: value for name, value in summary.items() if name in COLUMNS}
    scores = [f"{name} {number(value)}" for name, value in summary.items() if name not in COLUMNS and value is not None]
    return line | {"best": scores[0] if scores else None}


def _summary(stores: "Stores", name: str) -> dict[str, Any]:
    """Return the line of one run; one that can't be read does not hide the others."""
    from dalsegno.engine.compare import summary
    from dalsegno.errors import DalsegnoError

    try:
        return summary(stores, name)
    except (DalsegnoError, LookupError, TypeError) as error:
        return {"name": name, "state": f"unreadable: {error}"}
