"""Measure targets, post-processing and evaluation: ``python benchmarks/tasks/run.py --reference PYTHON``.

Ours and the reference work in turns, each in a process of its own with one thread, on the same files.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from inputs import write_inputs
from rich.console import Console
from rich.table import Table

HERE = Path(__file__).parent
PARTS = ("targets", "evaluators", "validation", "sweep", "memory")
COMPARED: dict[str, list[tuple[str, float | None]]] = {
    "targets": [("distance_target", 1 / 10), ("affinities_target", 1 / 5), ("lsd_target", 1 / 100)],
    "evaluators": [
        ("binary_256", 1 / 10),
        ("instances_blobs", 1 / 10),
        ("instances_cells", 1 / 10),
        ("instances_large_ids", 1 / 10),
    ],
    "validation": [
        ("distance_validation", 1.0),
        ("affinities_validation", 1 / 5),
        ("affinities_validation_cells", None),
    ],
}
"""What ours does and the reference does, and the largest ratio of CPU seconds allowed, if one is."""

SLOW = {"lsd_target", "affinities_validation", "affinities_validation_cells"}
"""What the reference does once only."""

GIBIBYTES = 4.0


@dataclass
class Row:
    """One line of the table: CPU seconds and peak memory, ours and the reference's."""

    what: str
    ours_s: float
    reference_s: float | None
    ratio: float | None
    limit: float | None
    ours_mib: float
    reference_mib: float | None
    remark: str = ""


def rows(parts: list[str], folder: Path, reference: str, rounds: int) -> Iterator[Row]:
    for part in parts:
        for name, limit in COMPARED.get(part, []):
            yield _compared(name, limit, folder, reference, rounds)
    if "sweep" in parts:
        many, one = (
            _measure(sys.executable, "ours", name, folder, rounds + 1)
            for name in ("distance_validation", "one_threshold")
        )
        ratio = median(many["seconds"]) / median(one["seconds"])
        yield Row(
            "20 thresholds against one",
            median(many["seconds"]),
            median(one["seconds"]),
            ratio,
            2.5,
            many["mib"],
            one["mib"],
        )
    if "memory" in parts:
        large = _measure(sys.executable, "ours", "binary_1024", folder, 1)
        held = "" if large["mib"] < GIBIBYTES * 1024 else f"MORE than {GIBIBYTES} GiB"
        yield Row("binary evaluation of 1024^3", large["seconds"][0], None, None, None, large["mib"], None, held)


def _compared(name: str, limit: float | None, folder: Path, reference: str, rounds: int) -> Row:
    pairs = []
    for _ in range(1 if name in SLOW else rounds):
        theirs = _measure(reference, "reference", name, folder, 1)
        ours = _measure(sys.executable, "ours", name, folder, 2)
        pairs.append((ours, theirs))
    mine = median(second for ours, _ in pairs for second in ours["seconds"])
    memory = max(ours["mib"] for ours, _ in pairs)
    failed = next((theirs["error"] for _, theirs in pairs if "error" in theirs), None)
    if failed is not None:
        return Row(name, mine, None, None, limit, memory, None, f"reference: {failed[:60]}")
    other = median(second for _, theirs in pairs for second in theirs["seconds"])
    return Row(
        name,
        mine,
        other,
        mine / other,
        limit,
        memory,
        max(theirs["mib"] for _, theirs in pairs),
        _differences(*pairs[0]),
    )


def _differences(ours: dict[str, Any], theirs: dict[str, Any]) -> str:
    shared = ours["result"].keys() & theirs["result"].keys()
    differing = [f"{name} {ours['result'][name]:.6g} / {theirs['result'][name]:.6g}" for name in sorted(shared)
                 if abs(ours["result"][name] - theirs["result"][name]) > 1e-6]  # fmt: skip
    return "; ".join(differing) or (f"{len(shared)} results equal" if shared else "")


def _measure(python: str, script: str, name: str, folder: Path, rounds: int) -> dict[str, Any]:
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    done = subprocess.run(
        [python, str(HERE / f"{script}.py"), name, str(folder), str(rounds)],
        capture_output=True, text=True, check=False, env=os.environ | threads, cwd=folder,
    )  # fmt: skip
    try:
        return dict(json.loads(done.stdout.strip().splitlines()[-1]))
    except (IndexError, ValueError):
        sys.exit(f"{script} {name} ended with {done.returncode}:\n{done.stderr[-2000:]}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reference", required=True, help="Python of an environment with dacapo-ml; see README.md")
    parser.add_argument("--only", choices=PARTS, action="append", help="measure this part; may be repeated")
    parser.add_argument("--rounds", type=int, default=3, help="turns of ours and the reference")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    arguments = parser.parse_args()
    parts = arguments.only or list(PARTS)
    with tempfile.TemporaryDirectory() as folder:
        write_inputs(Path(folder), parts)
        found = list(rows(parts, Path(folder), arguments.reference, arguments.rounds))
    if arguments.json:
        print(json.dumps([asdict(row) for row in found], indent=1))
        return
    table = Table(
        "what", "ours (s)", "reference (s)", "ratio", "limit", "held", "ours (MiB)", "reference (MiB)", "remark"
    )
    for row in found:
        held = "" if row.ratio is None or row.limit is None else "yes" if row.ratio <= row.limit else "NO"
        numbers = _text(row.reference_s, ".3f"), _text(row.ratio, ".3g"), _text(row.limit, ".3g"), held
        memory = f"{row.ours_mib:.0f}", _text(row.reference_mib, ".0f")
        table.add_row(row.what, f"{row.ours_s:.3f}", *numbers, *memory, row.remark)
    Console(width=180).print(table)


def _text(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


if __name__ == "__main__":
    main()
