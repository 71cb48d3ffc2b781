"""Finer and coarser grids."""

import tracemalloc

import numpy as np
import pytest
from funlib.geometry import Coordinate, Roi
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.ndimage import zoom

from dalsegno.arrays.numpy_array import NumpyArrayConfig
from dalsegno.arrays.resampled_array import ResampledArrayConfig
from dalsegno.errors import ConfigError, DataError

DATA = np.random.default_rng(0).integers(0, 12, (6, 7, 9)).astype(np.uint8)


def resampled(source, up, down, interp_order):
    return ResampledArrayConfig(
        source_array_config=source, upsample=up, downsample=down, interp_order=interp_order
    ).open()


def test_coarser_intensities_are_block_means(stored):
    array = resampled(stored(DATA.astype(np.float32)), [1, 1, 1], [1, 2, 2], True)
    assert (array.voxel_size, array.roi) == (Coordinate(8, 8, 8), Roi((80, 0, 0), (48, 24, 32)))
    assert array.scale == (1.0, 0.5, 0.5)
    means = DATA[:, :6, :8].reshape(6, 3, 2, 4, 2).mean(axis=(2, 4))
    np.testing.assert_allclose(array.data, means, rtol=1e-6)


def test_finer_labels_are_repeated(stored):
    array = resampled(stored(np.stack([DATA, DATA + 1])), [2, 1, 4], [1, 1, 1], False)
    assert (array.voxel_size, array.num_channels, array.scale) == (Coordinate(4, 4, 1), 2, (1.0, 2.0, 1.0, 4.0))
    np.testing.assert_array_equal(array.data[0], DATA.repeat(2, 0).repeat(4, 2))


@pytest.mark.parametrize(("up", "down"), [(2, 1), (1, 2), (4, 1), (3, 2)])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_intensities_are_those_of_scipy(stored, up, down, dtype):
    # scipy interpolates linearly between centres; between two voxels that is their mean
    block = (DATA[:6, :6, :8] * 20).astype(dtype)
    got = resampled(stored(block, voxel_size=[12, 12, 12]), [up] * 3, [down] * 3, True).data
    expected = zoom(block.astype(float), up / down, order=1, mode="nearest", grid_mode=True)
    np.testing.assert_allclose(got, expected, rtol=0, atol=0.5001 if dtype == np.uint8 else 1e-4)


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_labels_are_those_of_scipy(stored, factor):
    labels = DATA.astype(np.uint64) + np.uint64(2**60)
    got = resampled(stored(labels, voxel_size=[12, 12, 12]), [factor] * 3, [1] * 3, False).data
    np.testing.assert_array_equal(got, zoom(DATA, factor, order=0, mode="nearest", grid_mode=True) + np.uint64(2**60))


def test_voxels_that_are_not_whole_name_the_unit(stored):
    with pytest.raises(ConfigError, match=r"8000, 500, 500\], units: pm"):
        resampled(stored(DATA), [1, 8, 8], [1, 1, 1], True)


def test_factors_that_do_not_fit_are_errors(stored):
    with pytest.raises(DataError, match="3 spatial axes"):
        resampled(stored(DATA), [1, 1], [2, 2], True)
    with pytest.raises(DataError, match="smaller than one voxel"):
        resampled(stored(DATA), [1, 1, 1], [8, 1, 1], True)


def test_what_is_read_is_no_view_on_the_source(stored):
    held = NumpyArrayConfig(source_array_config=stored(DATA))
    for factors in ([1, 1, 1], [1, 1, 2]):
        array = resampled(held, [1, 1, 1], factors, False)
        array.data[...] = 99
        assert array.data.max() < 99


FACTORS = st.sampled_from([(1, 1), (1, 2), (1, 3), (2, 1), (4, 1), (2, 3), (4, 3)])


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), interp_order=st.booleans())
@pytest.mark.parametrize(
    ("dtype", "axes"), [(np.uint8, "zyx"), (np.float32, "zyx"), (np.float32, "cyx"), (np.float32, "yx")]
)
def test_any_tiling_reads_what_reading_at_once_reads(stored, dtype, axes, data, interp_order):
    """To the last bit: blocks that are predicted one by one have no seams."""
    dims = len(axes) - axes.count("c")
    chosen = data.draw(st.tuples(*[FACTORS] * dims))
    values = np.random.default_rng(1).random((6, 7, 9)[: len(axes)]) * 100
    frame = {"axes": list(axes), "voxel_size": [12] * dims, "offset": [-7, 80, 5][:dims]}
    array = resampled(
        stored(values.astype(dtype), **frame),
        [up for up, _ in chosen],
        [down for _, down in chosen],
        interp_order,
    )
    whole, tiled = array.data, np.empty_like(array.data)
    sizes = array.roi.shape / array.voxel_size
    cuts = [sorted({0, size, *data.draw(st.lists(st.integers(0, size), max_size=2))}) for size in sizes]
    for index in np.ndindex(*(len(cut) - 1 for cut in cuts)):
        begin = Coordinate(cut[at] for cut, at in zip(cuts, index, strict=True))
        end = Coordinate(cut[at + 1] for cut, at in zip(cuts, index, strict=True))
        roi = Roi(begin, end - begin)
        tiled[(..., *roi.to_slices())] = array[roi * array.voxel_size + array.roi.begin]
    np.testing.assert_array_equal(tiled, whole)


def test_memory_stays_flat_over_thousands_of_reads(stored):
    array = resampled(stored(np.stack([DATA, DATA]).astype(np.float32)), [2, 1, 1], [1, 2, 3], True)
    regions = [Roi((80 + 4 * (n % 9), 8 * (n % 3), 0), (8 + 4 * (n % 3), 8, 12)) for n in range(27)]

    def read(times):
        for number in range(times):
            array[regions[number % len(regions)]]

    tracemalloc.start()
    try:
        read(200)
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        read(2000)
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # a leak of what is read would be 1 MB; Python's own free lists grow a little
    assert after - before < 150_000
    assert peak - before < 200_000
