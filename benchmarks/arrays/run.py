"""Measure the data floor: ``python benchmarks/arrays/run.py [--only NAME] [--json]``.

Every row is a ratio of CPU times of the same work done in turns in this process, so it holds on a busy machine.
"""

import argparse
import json
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from metadata import metadata_reads
from reading import chain, every_layout, growth, small_patches
from resampling import resampling
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from timing import Row
from volumes import tissue

PARTS = ("small", "layouts", "growth", "resampling")


def rows(parts: list[str], folder: Path) -> Iterator[Row]:
    data = tissue()
    if "small" in parts:
        yield from small_patches(folder, data)
        yield chain(folder)
    if "layouts" in parts:
        yield from every_layout(folder, data)
    if "growth" in parts:
        yield from growth(folder, data)
    if "resampling" in parts:
        yield from resampling(folder, data)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=PARTS, action="append", help="measure this part; may be repeated")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = list(rows(arguments.only or list(PARTS), Path(folder)))
        reads = metadata_reads(Path(folder))
    if arguments.json:
        print(json.dumps({"rows": [asdict(row) for row in found], "metadata_reads": reads}, indent=1))
        return
    table = Table("what", "against", "ours (ms)", "reference (ms)", "ratio", "range", "limit", "held")
    for row in found:
        limit = "" if row.limit is None else f"{row.limit:.2f}"
        held = ("yes" if row.held else "NO") if limit else ""
        ratio = _short(row.ratio), f"{_short(row.low)}-{_short(row.high)}"
        table.add_row(
            escape(row.what), row.reference, f"{row.ours_ms:.2f}", f"{row.reference_ms:.2f}", *ratio, limit, held
        )
    console = Console(width=140)
    console.print(table)
    for what, count in reads.items():
        console.print(f"{what}: {count} metadata reads (limit 3)")


def _short(ratio: float) -> str:
    return f"{ratio:.2f}" if ratio >= 0.1 else f"{ratio:.1g}"


if __name__ == "__main__":
    main()
