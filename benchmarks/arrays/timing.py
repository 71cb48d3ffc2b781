"""CPU time of several ways to do the same, measured in turns so that a busy machine slows all of them alike."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median


@dataclass
class Row:
    """One line of the table: how long ours takes compared with a reference."""

    what: str
    reference: str
    ours_ms: float
    reference_ms: float
    ratio: float
    low: float
    high: float
    limit: float | None = None

    @property
    def held(self) -> bool:
        return self.limit is None or self.ratio <= self.limit


def compare(  # noqa: PLR0913 - what is compared, and how
    what: str,
    ours: Callable[[], object],
    reference: Callable[[], object],
    *,
    against: str,
    limit: float | None = None,
    rounds: int = 9,
    calls: int = 1,
) -> Row:
    """Time two functions in turns; each call of them stands for `calls` operations.

    CPU time counts all threads of the process, so a library that reads with several is not flattered.
    The ratio is the median over the rounds of ours to the reference in the same round.
    """
    ours(), reference()
    pairs = []
    for turn in range(rounds):
        first, second = (ours, reference) if turn % 2 else (reference, ours)
        times = _cpu_time(first), _cpu_time(second)
        pairs.append(times if turn % 2 else times[::-1])
    ratios = [mine / theirs for mine, theirs in pairs]
    mine_ms, theirs_ms = (median(times) * 1000 / calls for times in zip(*pairs, strict=True))
    return Row(what, against, mine_ms, theirs_ms, median(ratios), min(ratios), max(ratios), limit)


def _cpu_time(function: Callable[[], object]) -> float:
    begin = time.process_time()
    function()
    return time.process_time() - begin
