import io

import pytest
from rich.console import Console

from dalsegno.view.tables import number, rows_table


def printed(table, **options):
    console = Console(file=io.StringIO(), width=100, **options)
    console.print(table)
    return console.file.getvalue()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (12345678, "12345678"),
        (0.8123456, "0.8123"),
        (0.000012345, "1.234e-05"),
        (1.0, "1"),
        (float("nan"), "-"),
        (float("inf"), "inf"),
        (None, "-"),
        ("running", "running"),
        (True, "True"),
    ],
)
def test_numbers_have_sensible_digits(value, text):
    assert number(value) == text


def test_columns_are_all_keys_in_their_order():
    text = printed(rows_table([{"run": "a", "f1_score": 0.5}, {"run": "b", "voi": 1.25}], title="Scores"))
    lines = [line.split() for line in text.splitlines() if line.strip() and "─" not in line]
    assert lines == [["Scores"], ["run", "f1", "score", "voi"], ["a", "0.5", "-"], ["b", "-", "1.25"]]


def test_a_name_with_brackets_is_no_markup():
    assert "a[bold]" in printed(rows_table([{"name": "a[bold]"}]))


def test_only_the_best_row_is_bold():
    rows = [{"run": "a", "f1_score": 0.5}, {"run": "b", "f1_score": 0.6}]
    bold = [line for line in printed(rows_table(rows, best=rows[1]), force_terminal=True).splitlines() if "0." in line]
    assert "\x1b[1m" not in bold[0]
    assert "\x1b[1m" in bold[1]


def test_no_rows_make_an_empty_table():
    assert printed(rows_table([])).strip() == ""
