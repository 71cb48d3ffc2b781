"""Views on views, in any order, against plain numpy; and what is read for them."""

from itertools import pairwise

import numpy as np
from attrs import evolve, frozen
from funlib.geometry import Coordinate, Roi
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dalsegno.arrays.array import ArrayConfig
from dalsegno.arrays.binarize_array import BinarizeArrayConfig
from dalsegno.arrays.concat_array import ConcatArrayConfig
from dalsegno.arrays.crop_array import CropArrayConfig
from dalsegno.arrays.frame import Frame
from dalsegno.arrays.intensities_array import IntensitiesArrayConfig
from dalsegno.arrays.logical_or_array import LogicalOrArrayConfig
from dalsegno.arrays.merge_instances_array import MergeInstancesArrayConfig
from dalsegno.arrays.missing_annotations_mask import MissingAnnotationsMaskConfig
from dalsegno.arrays.ones_array import OnesArrayConfig
from dalsegno.arrays.resampled_array import ResampledArrayConfig
from dalsegno.arrays.stored_array import StoredArray
from dalsegno.arrays.sum_array import SumArrayConfig
from dalsegno.arrays.threshold_array import ThresholdArrayConfig
from dalsegno.config import config, field
from dalsegno.sources import ArraySource

VOXEL = 64


class CountingSource(ArraySource):
    """Voxels in memory that remember which of them were read."""

    def __init__(self, array):
        super().__init__(array)
        self.read = np.zeros(array.shape, bool)

    def _getitem(self, roi):
        self.read[roi] = True
        return super()._getitem(roi).copy()


BASES = {}


@config
class BaseConfig(ArrayConfig):
    """An array of this test."""

    key: int = field(help="Its place in BASES.")

    def open(self):
        return BASES[self.key]


@frozen
class Node:
    """An array with what it should look like.

    `reach` tells, for a range of voxels along a spatial axis, which voxels of the base may be read for it.
    """

    config: ArrayConfig
    voxels: np.ndarray
    begin: tuple
    size: tuple
    reach: tuple
    has_channels: bool

    @property
    def spatial(self):
        return self.voxels.shape[self.has_channels :]

    @property
    def holds_labels(self):
        return self.voxels.dtype.kind in "iub" and (not self.has_channels or len(self.voxels) == 1)

    @property
    def labels(self):
        return self.voxels[0] if self.has_channels else self.voxels


def base(draw):
    dims, channels = draw(st.integers(2, 3)), draw(st.sampled_from([None, 1, 3]))
    shape = tuple(draw(st.integers(2, 7)) for _ in range(dims))
    dtype = draw(st.sampled_from([bool, np.uint8, np.int32, np.float32]))
    rng = np.random.default_rng(draw(st.integers(0, 9)))
    voxels = rng.integers(0, 5, (*([] if channels is None else [channels]), *shape)).astype(dtype)
    begin = tuple(draw(st.integers(-99, 99)) for _ in range(dims))
    axes = ("c",) * (channels is not None) + ("z", "y", "x")[-dims:]
    frame = Frame(axes, Coordinate((VOXEL,) * dims), Coordinate(begin), "nm")
    BASES[0] = StoredArray(CountingSource(voxels), frame)
    same = tuple(lambda first, stop: (first, stop) for _ in range(dims))
    return Node(BaseConfig(key=0), voxels, begin, (VOXEL,) * dims, same, channels is not None)


def crop(draw, node):
    cuts = [sorted(draw(st.tuples(st.integers(0, n - 1), st.integers(1, n)))) for n in node.spatial]
    cuts = [(first, max(stop, first + 1)) for first, stop in cuts]
    begin = tuple(at + first * size for at, (first, _), size in zip(node.begin, cuts, node.size, strict=True))
    shape = tuple((stop - first) * size for (first, stop), size in zip(cuts, node.size, strict=True))
    reach = tuple(shifted(one, first) for one, (first, _) in zip(node.reach, cuts, strict=True))
    return evolve(
        node,
        config=CropArrayConfig(source_array_config=node.config, roi=Roi(begin, shape)),
        voxels=node.voxels[(..., *(slice(*cut) for cut in cuts))],
        begin=begin,
        reach=reach,
    )


def shifted(reach, by):
    return lambda first, stop: reach(first + by, stop + by)


def intensities(draw, node):
    view = IntensitiesArrayConfig(source_array_config=node.config, min=1.0, max=5.0)
    return evolve(node, config=view, voxels=((node.voxels.astype(np.float64) - 1) / 4).astype(np.float32))


def threshold(draw, node):
    at = draw(st.sampled_from([-0.3, 0.3, 2.2]))
    view = ThresholdArrayConfig(source_array_config=node.config, threshold=at)
    return evolve(node, config=view, voxels=(node.voxels >= at).astype(np.uint8))


def binarize(draw, node):
    groups = [("some", [1, 3]), ("any", []), ("one", [2])]
    view = BinarizeArrayConfig(source_array_config=node.config, groupings=groups)
    voxels = np.stack([np.isin(node.labels, [1, 3]), node.labels != 0, node.labels == 2]).astype(np.uint8)
    return evolve(node, config=view, voxels=voxels, has_channels=True)


def annotated(draw, node):
    view = MissingAnnotationsMaskConfig(source_array_config=node.config, groupings=[("a", [1]), ("b", [])])
    return evolve(node, config=view, voxels=np.stack([node.labels > 0] * 2).astype(np.uint8), has_channels=True)


def ones(draw, node):
    nothing = tuple(lambda first, stop: (0, 0) for _ in node.spatial)
    return evolve(
        node,
        config=OnesArrayConfig(source_array_config=node.config),
        voxels=np.ones(node.voxels.shape, bool),
        reach=nothing,
    )


def joined(draw, node):
    view = LogicalOrArrayConfig(source_array_config=node.config)
    return evolve(node, config=view, voxels=(node.voxels != 0).any(axis=0).astype(np.uint8), has_channels=False)


def summed(draw, node):
    view = SumArrayConfig(source_array_configs=[node.config] * 3)
    return evolve(node, config=view, voxels=sum([node.voxels * np.array(1, np.min_scalar_type(3))] * 3) * 1)


def concatenated(draw, node):
    view = ConcatArrayConfig(channels=["a", "none", "b"], source_array_configs={"b": node.config, "a": node.config})
    return evolve(node, config=view, voxels=np.stack([node.labels, node.labels * 0, node.labels]), has_channels=True)


def merged(draw, node):
    view = MergeInstancesArrayConfig(source_array_configs=[node.config] * 2)
    return evolve(node, config=view, voxels=node.labels.astype(np.uint64) * np.uint64(2), has_channels=False)


def resampled(draw, node):
    factors = draw(st.tuples(*[st.sampled_from([(1, 1), (2, 1), (1, 2)])] * len(node.spatial)))
    factors = [(1, 1) if down > n or up > size else (up, down) for (up, down), n, size in
               zip(factors, node.spatial, node.size, strict=True)]  # fmt: skip
    smooth = draw(st.booleans())
    voxels = node.voxels.astype(np.float64)
    for axis, (up, down) in enumerate(factors, start=node.has_channels):
        voxels = along(axis, voxels, up, down, smooth)
    if node.voxels.dtype.kind in "iub":
        voxels = np.rint(voxels)
    view = ResampledArrayConfig(
        source_array_config=node.config,
        upsample=[up for up, _ in factors],
        downsample=[down for _, down in factors],
        interp_order=smooth,
    )
    size = tuple(size * down // up for size, (up, down) in zip(node.size, factors, strict=True))
    reach = tuple(map(spread, node.reach, factors, node.spatial))
    return evolve(node, config=view, voxels=voxels.astype(node.voxels.dtype), size=size, reach=reach)


def along(axis, voxels, up, down, smooth):
    """Resample one axis by two or a half."""
    lines = np.moveaxis(voxels, axis, 0)
    if down == 2:
        lower, upper = lines[: len(lines) // 2 * 2 : 2], lines[1::2]
        lines = (lower + upper) / 2 if smooth else upper
    if up == 2:
        before, after = lines[[0, *range(len(lines) - 1)]], lines[[*range(1, len(lines)), -1]]
        halves = (before + 3 * lines) / 4, (after + 3 * lines) / 4
        lines = np.stack(halves if smooth else (lines, lines), axis=1).reshape(-1, *lines.shape[1:])
    return np.moveaxis(lines, 0, axis)


def spread(reach, factor, size):
    up, down = factor
    if up == 2:
        return lambda first, stop: reach(max(0, (first - 1) // 2), min(size, stop // 2 + 1))
    return lambda first, stop: reach(first * down, stop * down)


def possible(node):
    views = [crop, intensities, threshold, ones, summed, resampled]
    views += [binarize, annotated, concatenated, merged] if node.holds_labels else []
    return views + ([joined] if node.has_channels else [])


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_any_chain_of_views_is_what_numpy_says_and_reads_no_more_than_it_needs(data):
    node = base(data.draw)
    for _ in range(data.draw(st.integers(1, 4))):
        node = data.draw(st.sampled_from(possible(node)))(data.draw, node)
    array, source = node.config.open(), BASES[0].source
    assert not source.read.any()
    assert (array.roi.begin, array.voxel_size, array.units) == (node.begin, node.size, "nm")
    assert array.roi.shape == Coordinate(node.spatial) * Coordinate(node.size)
    assert array.num_channels == (len(node.voxels) if node.has_channels else None)
    cuts = [sorted(data.draw(st.sets(st.integers(0, n), min_size=2, max_size=2))) for n in node.spatial]
    first, stop = (Coordinate(side) for side in zip(*cuts, strict=True))
    part = array[Roi(first, stop - first) * array.voxel_size + array.roi.begin]
    assert part.dtype == array.dtype
    np.testing.assert_allclose(
        part.astype(float), node.voxels[(..., *(slice(*cut) for cut in cuts))].astype(float), rtol=1e-6
    )
    allowed = np.zeros(source.read.shape, bool)
    allowed[(..., *(slice(*reach(*cut)) for reach, cut in zip(node.reach, cuts, strict=True)))] = True
    assert not (source.read & ~allowed).any()
    np.testing.assert_allclose(array.data.astype(float), node.voxels.astype(float), rtol=1e-6)


def test_opening_reads_nothing_and_blocks_read_their_part_once():
    voxels = np.random.default_rng(0).integers(0, 5, (40, 40)).astype(np.uint8)
    frame = Frame(("y", "x"), Coordinate(4, 4), Coordinate(0, 0), "nm")
    BASES[1] = StoredArray(CountingSource(voxels), frame)
    crop = CropArrayConfig(source_array_config=BaseConfig(key=1), roi=Roi((16, 16), (128, 128)))
    view = ThresholdArrayConfig(
        source_array_config=IntensitiesArrayConfig(source_array_config=crop, min=0.0, max=4.0), threshold=0.4
    ).open()
    read = BASES[1].source.read
    for begin, end in pairwise(range(16, 145, 32)):
        view[Roi((begin, 16), (end - begin, 32))]
        assert read.sum() == (end - 16) // 4 * 8
    assert read[4:36, 4:12].all()
