"""How well a binary segmentation agrees with the truth: overlaps, distances, and both with a tolerance.

Overlaps count voxels. Distances are Euclidean, between voxel centres, in world units: of a falsely
segmented voxel to the truth, and of a missed voxel to the segmentation. What the truth alone decides
is computed once in `BinaryTruth` and shared by all segmentations that are compared with it.
"""

from collections.abc import Sequence
from typing import Self

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from dalsegno.ops.binary_counts import BinaryCounts, ErrorDistances, distance_scores, overlap_scores
from dalsegno.ops.nearest_foreground import NearestForeground

__all__ = ["BinaryTruth", "binary_scores", "inside"]


@frozen(eq=False)
class BinaryTruth:
    """A true segmentation and what all comparisons with it share.

    Attributes
    ----------
    truth
        Foreground inside the mask, shape ``(*spatial)``.
    mask
        Voxels that are judged; None for all of them.
    voxel_size
        Voxel size per axis, in world units.
    nearest
        Distances to the truth.
    """

    truth: NDArray[np.bool_]
    mask: NDArray[np.bool_] | None
    voxel_size: tuple[float, ...]
    nearest: NearestForeground

    @classmethod
    def of(cls, truth: NDArray[np.bool_], voxel_size: Sequence[float], mask: NDArray[np.bool_] | None = None) -> Self:
        """Prepare a truth for comparisons, up to 3D.

        Raises
        ------
        ValueError
            If the mask has another shape.
        """
        truth = inside(truth, mask)
        size = tuple(map(float, voxel_size))
        return cls(truth, mask, size, NearestForeground(truth, size))


def binary_scores(
    test: NDArray[np.bool_], truth: BinaryTruth, *, clip_distance: float, tol_distance: float
) -> dict[str, float]:
    """Return all criteria of a binary segmentation.

    Parameters
    ----------
    test
        The segmentation, of the shape of the truth.
    truth
        What it is compared with.
    clip_distance
        Distances count as at most this much in the clipped means, in world units.
    tol_distance
        Voxels this near to the other foreground are no error in the criteria with tolerance.

    Returns
    -------
    scores
        Value by criterion, NaN where it is undefined.

    Raises
    ------
    ValueError
        If the shapes differ.

    See Also
    --------
    dalsegno.ops.binary_counts.overlap_scores, dalsegno.ops.binary_counts.distance_scores : their definitions.
    """
    test = inside(test, truth.mask)
    if test.shape != truth.truth.shape:
        raise ValueError(f"the segmentation has shape {test.shape}, the truth {truth.truth.shape}")
    counts = BinaryCounts.of(test, truth.truth, truth.mask)
    false_positive = truth.nearest.distances(np.flatnonzero(test > truth.truth))
    false_negative = NearestForeground(test, truth.voxel_size).distances(np.flatnonzero(truth.truth > test))
    positive, negative = (
        ErrorDistances.of(distances, clip_distance, tol_distance) for distances in (false_positive, false_negative)
    )
    return overlap_scores(counts) | distance_scores(counts, positive, negative)


def inside(foreground: NDArray[np.bool_], mask: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
    """Return the foreground inside a mask.

    Raises
    ------
    ValueError
        If the mask has another shape.
    """
    if mask is None:
        return foreground
    if mask.shape != foreground.shape:
        raise ValueError(f"the mask has shape {mask.shape}, the segmentation {foreground.shape}")
    return foreground & mask
