"""Rows of runs and scores as a table for the terminal."""

from collections.abc import Iterable, Mapping
from math import isfinite, isnan
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["number", "rows_table"]

Row = Mapping[str, Any]


def rows_table(rows: Iterable[Row], *, title: str = "", best: Row | None = None) -> "Table":
    """Return a table of runs or of scores.

    Parameters
    ----------
    rows
        One mapping of column name -> value for each line, such as ``{"run": "a", "dataset": "val", "iteration": 500,
        "threshold": 0.1, "f1_score": 0.81}``. Columns are all keys met, in the order in which they come; columns of
        numbers are set flush right.
    title
        Written above the table.
    best
        The row that is set in bold, if any.
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    rows = list(rows)
    table = Table(title=title or None, title_justify="left", box=SIMPLE_HEAD)
    columns = list(dict.fromkeys(column for row in rows for column in row))
    for column in columns:
        numeric = all(isinstance(row.get(column), int | float | None) for row in rows)
        # a criterion of one channel stands behind that of all: the channel says enough
        title = column.rpartition("__")[0] or column
        table.add_column(title.replace("_", " "), justify="right" if numeric else "left")
    for row in rows:
        table.add_row(*(Text(number(row.get(column))) for column in columns), style="bold" if row is best else "")
    return table


def number(value: Any) -> str:
    """Write a value as a table shows it.

    Whole numbers keep all their digits, others have four significant ones; what is not there or not defined
    is a dash.
    """
    if value is None or (isinstance(value, float) and isnan(value)):
        return "-"
    if isinstance(value, float):
        return f"{value:.4g}" if isfinite(value) else str(value)
    return str(value)
