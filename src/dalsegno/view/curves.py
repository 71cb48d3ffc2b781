"""Loss and scores over the iterations of training runs, as one picture."""

from collections.abc import Mapping, Sequence
from itertools import cycle
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["RunCurves", "moving_average", "plot_curves"]

MARKERS = "osD^vP*X"


@frozen
class RunCurves:
    """What one run has to show.

    Attributes
    ----------
    iterations
        Iteration of each loss, ascending.
    losses
        Training loss, one for each of `iterations`.
    scores
        Validation dataset -> its ``(iteration, value)`` pairs, ascending. Values that are not defined are NaN.
    """

    iterations: Sequence[int] = ()
    losses: Sequence[float] = ()
    scores: Mapping[str, Sequence[tuple[int, float]]] = field(factory=dict)


def plot_curves(
    runs: Mapping[str, RunCurves],
    criterion: str,
    path: str | Path,
    *,
    higher_is_better: bool = True,
) -> Path:
    """Draw the loss (left) and the scores (right) of one or more runs into a PNG file.

    Parameters
    ----------
    runs
        Name of each run -> its curves. Each run has one colour, each validation dataset one marker.
    criterion
        What the scores measure, the label of their axis: ``"f1_score"``.
    path
        The file to write; folders that are missing are made.
    higher_is_better
        Whether the largest or the smallest score is the best one. The best of each run is ringed.

    Returns
    -------
    Path
        The file written.
    """
    from matplotlib import colormaps
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    datasets = dict.fromkeys(dataset for run in runs.values() for dataset in run.scores)
    markers = dict(zip(datasets, cycle(MARKERS), strict=False))
    palette = colormaps["tab10"].colors  # type: ignore[attr-defined]
    for index, (name, run) in enumerate(runs.items()):
        colour = palette[index % len(palette)]
        _draw_losses(left, name, run, colour)
        _draw_scores(right, name, run, colour, markers, higher_is_better)
    _finish(left, "training loss")
    _finish(right, criterion)
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
    return path


def moving_average(values: Sequence[float], window: int) -> NDArray[np.float64]:
    """Return the mean of up to `window` neighbours around each value, of fewer at both ends; NaNs are left out.

    Parameters
    ----------
    values
        One number per step.
    window
        Number of values that are averaged, made odd so that the mean lies on its value.

    Returns
    -------
    NDArray[np.float64]
        As many numbers as `values`; NaN where all neighbours are.
    """
    numbers = np.asarray(values, float)
    known = np.isfinite(numbers)
    half = window // 2
    sums = np.concatenate([[0.0], np.cumsum(np.where(known, numbers, 0.0))])
    counts = np.concatenate([[0], np.cumsum(known)])
    first = np.maximum(np.arange(len(numbers)) - half, 0)
    last = np.minimum(np.arange(len(numbers)) + half + 1, len(numbers))
    with np.errstate(invalid="ignore"):
        return np.asarray((sums[last] - sums[first]) / (counts[last] - counts[first]), float)


def _draw_losses(axes: "Axes", name: str, run: RunCurves, colour: tuple[float, ...]) -> None:
    if len(run.losses) == 0:
        return
    axes.plot(run.iterations, run.losses, color=colour, alpha=0.2, linewidth=0.8)
    smooth = moving_average(run.losses, max(1, len(run.losses) // 25))
    axes.plot(run.iterations, smooth, color=colour, linewidth=1.8, label=name)


def _draw_scores(
    axes: "Axes",
    name: str,
    run: RunCurves,
    colour: tuple[float, ...],
    markers: Mapping[str, str],
    higher_is_better: bool,
) -> None:
    points: list[tuple[int, float]] = []
    for dataset, scores in run.scores.items():
        defined = [(iteration, value) for iteration, value in scores if isfinite(value)]
        label = f"{name}, {dataset}" if len(markers) > 1 else name
        if defined:
            axes.plot(*zip(*defined, strict=True), color=colour, marker=markers[dataset], markersize=4, label=label)
        points += defined
    if points:
        best = (max if higher_is_better else min)(points, key=lambda point: point[1])
        axes.plot(*best, "o", markersize=13, markerfacecolor="none", markeredgecolor=colour, markeredgewidth=2)
        axes.annotate(f"{best[1]:.3g}", best, xytext=(0, 10), textcoords="offset points", ha="center", color=colour)


def _finish(axes: "Axes", label: str) -> None:
    axes.set(xlabel="iteration", ylabel=label)
    axes.margins(y=0.15)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, fontsize="small")
    else:
        axes.text(0.5, 0.5, "nothing recorded yet", transform=axes.transAxes, ha="center", color="0.5")
