"""Scores of several channels, ``"<channel>__<criterion>"``, and which of them a mean is over.

A channel of which the ground truth has no voxel has no say: a segmentation that is rightly empty there has no
F1 score, and one that is not has 0. Of all other channels none is left out, so that means can be compared.
"""

from collections.abc import Iterable, Mapping
from math import isnan, nan
from statistics import fmean

__all__ = ["SEPARATOR", "channel_of", "channels_without_truth", "criterion_of", "mean_over_channels"]

SEPARATOR = "__"

TELLING = ("recall", "voi_split")
"""Criteria that are undefined where, and only where, there is nothing in the ground truth to be found."""


def channel_of(name: str) -> str:
    """Return the channel that a name begins with; nothing where there are no channels."""
    return name.rpartition(SEPARATOR)[0]


def criterion_of(name: str) -> str:
    """Return a name without the channel."""
    return name.rpartition(SEPARATOR)[2]


def channels_without_truth(rows: Iterable[Mapping[str, float]]) -> set[str]:
    """Return the channels of which the ground truth has no voxel.

    Parameters
    ----------
    rows
        Scores by name of several segmentations, all judged by the same ground truth. A channel without recall or
        split is taken to be missing if none of its scores is defined.
    """
    defined: dict[str, bool] = {}
    found: dict[str, bool] = {}
    for scores in rows:
        for name, value in scores.items():
            channel, known = channel_of(name), not isnan(value)
            defined[channel] = defined.get(channel, False) or known
            if criterion_of(name) in TELLING:
                found[channel] = found.get(channel, False) or known
    return {channel for channel, present in (defined | found).items() if not present}


def mean_over_channels(scores: Mapping[str, float], criterion: str) -> float:
    """Return a score; of a criterion without its channel the mean over all channels, NaN if it is undefined for one."""
    if criterion in scores:
        return scores[criterion]
    values = [value for name, value in scores.items() if criterion_of(name) == criterion]
    return fmean(values) if values else nan
