"""Where training samples are cut: a function of the seed and the index of the sample."""

import numpy as np
from attrs import frozen
from funlib.geometry import Coordinate, Roi

from dalsegno.arrays.array import Array
from dalsegno.errors import DataError

__all__ = ["SampleSpace", "draw_location", "sample_generator"]

_TRIES = 1000


@frozen(eq=False)
class SampleSpace:
    """The places of one dataset that samples may come from.

    Attributes
    ----------
    name
        Name of the dataset, for messages.
    region
        World units: samples lie inside it.
    shape
        World units: the shape of a sample, the same number of voxels in every dataset.
    grid
        Voxel size of the grid that samples are aligned to, anchored at the region's offset.
    weight
        How often it is sampled, relative to other datasets.
    sample_points
        World coordinates that samples are centred on; None means anywhere in the region.
    mask
        Where annotation counts (above 0); None means everywhere.
    min_masked
        Fraction of each sample that the mask has to cover, 0 … 1.
    """

    name: str
    region: Roi
    shape: Coordinate
    grid: Coordinate
    weight: float = 1.0
    sample_points: tuple[Coordinate, ...] | None = None
    mask: Array | None = None
    min_masked: float = 0.0


def sample_generator(seed: int, index: int) -> np.random.Generator:
    """Return the random generator of sample `index`: counter-based, so that it needs no history."""
    return np.random.Generator(np.random.Philox(key=[seed, index]))


def draw_location(spaces: list[SampleSpace], generator: np.random.Generator) -> tuple[int, Roi]:
    """Draw a dataset by its weight, then a region of it.

    Parameters
    ----------
    spaces
        One for each dataset.
    generator
        See `sample_generator`.

    Returns
    -------
    tuple
        Position in `spaces`, and the region in world units, aligned to the grid.

    Raises
    ------
    DataError
        If the sample is larger than the data, or no place is covered enough by the mask.
    """
    weights = np.array([space.weight for space in spaces], dtype=float)
    chosen = int(generator.choice(len(spaces), p=weights / weights.sum()))
    space = spaces[chosen]
    if space.mask is None or space.min_masked <= 0:
        return chosen, _draw_region(space, generator)
    for _ in range(_TRIES):
        region = _draw_region(space, generator)
        covered = space.mask.to_ndarray(region, fill_value=0) > 0
        if covered.mean() >= space.min_masked:
            return chosen, region
    raise DataError(
        f"dataset {space.name!r}: none of {_TRIES} places has a mask that covers {space.min_masked:.0%} of a sample of "
        f"{space.shape}; lower `min_masked` of the trainer, give `sample_points`, or check the mask"
    )


def _draw_region(space: SampleSpace, generator: np.random.Generator) -> Roi:
    room = (space.region.shape - space.shape) / space.grid
    if any(voxels < 0 for voxels in space.region.shape - space.shape):
        raise DataError(
            f"dataset {space.name!r}: a sample of {space.shape} is larger than the annotated data of "
            f"{space.region.shape}; use a smaller input_shape or more data"
        )
    if space.sample_points is None:
        steps = Coordinate(int(generator.integers(0, voxels, endpoint=True)) for voxels in room)
    else:
        point = space.sample_points[int(generator.integers(len(space.sample_points)))]
        nearest = (point - space.shape / 2 - space.region.begin) / space.grid
        steps = Coordinate(min(max(0, step), voxels) for step, voxels in zip(nearest, room, strict=True))
    return Roi(space.region.begin + steps * space.grid, space.shape)
