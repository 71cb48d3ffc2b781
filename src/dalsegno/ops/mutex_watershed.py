"""Segments from affinities, attractive and repulsive ones, without seeds or thresholds."""

from collections.abc import Sequence
from typing import Any

import fastremap
import mwatershed
import numpy as np
from numpy.typing import NDArray

__all__ = ["mutex_watershed"]


def mutex_watershed(affinities: NDArray[Any], offsets: Sequence[Sequence[int]], bias: float) -> NDArray[np.uint64]:
    """Return the mutex watershed of affinities.

    Pairs of voxels with an affinity above the bias attract each other, those below it repel each other. Pairs are
    taken in the order of ``abs(affinity - bias)``, the strongest first: two segments that attract each other
    become one unless they repelled each other before. After Wolf et al., "The mutex watershed and its objective:
    efficient, parameter-free graph partitioning" (2020).

    Parameters
    ----------
    affinities
        Shape ``(E, *spatial)``: at x, how much x and ``x + offset`` belong together.
    offsets
        E offsets in voxels.
    bias
        What divides attraction from repulsion.

    Returns
    -------
    segments
        Shape ``(*spatial)``, 1 … n in the order of their first voxels; 0 where nothing attracts.
    """
    weights = affinities.astype(np.float64) - bias
    segments = mwatershed.agglom(weights, [tuple(map(int, offset)) for offset in offsets])
    renumbered: NDArray[np.uint64] = fastremap.renumber(segments)[0].astype(np.uint64)
    return renumbered
