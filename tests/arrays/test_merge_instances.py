"""Instances of several arrays in one."""

import numpy as np
import pytest
from funlib.geometry import Coordinate, Roi

from dalsegno.arrays.crop_array import CropArrayConfig
from dalsegno.arrays.merge_instances_array import MergeInstancesArrayConfig
from dalsegno.errors import ConfigError, DataError

RNG = np.random.default_rng(0)
FIRST, SECOND, THIRD = (RNG.integers(0, 4, (6, 7, 9)) * (RNG.random((6, 7, 9)) < 0.5) for _ in range(3))


def merged(*sources):
    return MergeInstancesArrayConfig(source_array_configs=sources).open()


def test_every_instance_keeps_an_id_of_its_own(stored):
    array = merged(
        stored(FIRST.astype(np.uint8)), stored(SECOND.astype(np.int32)), stored(THIRD.astype(np.uint64)[None])
    )
    assert (array.axes, array.num_channels, array.dtype) == (["z", "y", "x"], None, np.uint64)
    seen = {0: (None, 0)}
    for at in np.ndindex(FIRST.shape):
        number, label = next(((n, one[at]) for n, one in enumerate((FIRST, SECOND, THIRD)) if one[at]), (None, 0))
        assert seen.setdefault(int(array.data[at]), (number, label)) == (number, label)
    assert len(seen) == 1 + 3 * 3


def test_an_id_is_the_same_in_every_region(stored):
    sources = stored(FIRST.astype(np.uint8)), stored(SECOND.astype(np.uint8))
    array = merged(*sources)
    whole = array.data
    for at in np.ndindex(3, 7, 3):
        begin = Coordinate(at) * Coordinate(16, 4, 12)
        block = array[Roi(begin + Coordinate(80, 0, 0), (16, 4, 12))]
        place = tuple(slice(a * step, (a + 1) * step) for a, step in zip(at, (2, 1, 3), strict=True))
        np.testing.assert_array_equal(block, whole[place])
    crops = [CropArrayConfig(source_array_config=one, roi=Roi((88, 4, 0), (16, 4, 8))) for one in sources]
    np.testing.assert_array_equal(merged(*crops).data, whole[1:3, 1:2, :2])


def test_large_ids_are_exact_or_an_error(stored):
    large = np.full((6, 7, 9), 2**62 + 1, np.uint64)
    assert (merged(stored(large), stored(large)).data == 2**63 + 2).all()
    with pytest.raises(DataError, match="more than 64 bits"):
        merged(*[stored(large)] * 5)[Roi((80, 0, 0), (8, 4, 4))]
    highest = np.full((6, 7, 9), 2**64 - 1, np.uint64)
    assert (merged(stored(highest)).data == 2**64 - 1).all()


def test_what_can_not_be_merged_is_an_error(stored):
    with pytest.raises(DataError, match="the id -1"):
        merged(stored(-np.ones((6, 7, 9), np.int64))).data  # noqa: B018 - reading is what fails
    with pytest.raises(DataError, match="labels are integers"):
        merged(stored(FIRST.astype(np.uint8)), stored(FIRST.astype(float)))
    with pytest.raises(DataError, match="array 1 has roi"):
        merged(stored(FIRST.astype(np.uint8)), stored(FIRST[1:].astype(np.uint8)))
    with pytest.raises(ConfigError, match="no array to merge"):
        merged()
