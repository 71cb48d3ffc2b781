from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dalsegno.ops.resampling import interpolating_taps, nearest_taps, resample, resampled_size

FACTORS = st.integers(1, 5)


def slow_voxel(line, j, up, down):
    """Average or interpolate one output voxel in fractions, straight from the definition."""
    begin, end = Fraction(j * down, up), Fraction((j + 1) * down, up)
    if down >= up:
        overlaps = [max(0, min(end, k + 1) - max(begin, k)) for k in range(len(line))]
        return float(sum(o * Fraction(float(v)) for o, v in zip(overlaps, line, strict=True)) / (end - begin))
    centre = (begin + end) / 2 - Fraction(1, 2)
    lower = centre.numerator // centre.denominator
    low, high = (line[min(max(k, 0), len(line) - 1)] for k in (lower, lower + 1))
    return float((1 - (centre - lower)) * Fraction(float(low)) + (centre - lower) * Fraction(float(high)))


@given(FACTORS, FACTORS, st.integers(1, 20), st.integers(0, 2**32 - 1))
def test_intensities_follow_the_definition(up, down, size, seed):
    stop = resampled_size(size, up, down)
    if not stop:
        return
    line = np.random.default_rng(seed).random(size)
    taps = interpolating_taps(0, stop, size=size, up=up, down=down)
    np.testing.assert_allclose(taps.weight.sum(axis=1), 1)
    got = resample(line[taps.first : taps.stop], [taps])
    np.testing.assert_allclose(got, [slow_voxel(line, j, up, down) for j in range(stop)], rtol=1e-12)


@given(FACTORS, FACTORS, st.integers(1, 20))
def test_labels_are_those_at_the_centre(up, down, size):
    stop = resampled_size(size, up, down)
    if not stop:
        return
    labels = np.arange(size, dtype=np.uint64) + np.uint64(2**60)
    taps = nearest_taps(0, stop, up=up, down=down)
    centres = [Fraction((2 * j + 1) * down, 2 * up) for j in range(stop)]
    wanted = [labels[centre.numerator // centre.denominator] for centre in centres]
    np.testing.assert_array_equal(resample(labels[taps.first : taps.stop], [taps]), wanted)


def dense(taps, size):
    """Return the taps as a matrix, (output voxels, source voxels)."""
    matrix = np.zeros((len(taps.index), size))
    for row, (index, weight) in enumerate(zip(taps.index, taps.weight, strict=True)):
        np.add.at(matrix[row], index, weight)
    return matrix


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint64, np.float32, np.float64])
@given(data=st.data())
def test_a_box_is_resampled_as_a_product_of_matrices(dtype, data):
    shape = data.draw(st.tuples(*[st.integers(5, 8)] * 3))
    block = np.random.default_rng(data.draw(st.integers(0, 99))).integers(0, 100, (2, *shape)).astype(dtype)
    interpolate, taps = data.draw(st.booleans()), []
    for size in shape:
        up, down = data.draw(FACTORS), data.draw(FACTORS)
        start, stop = sorted(
            data.draw(st.lists(st.integers(0, resampled_size(size, up, down)), min_size=2, max_size=2, unique=True))
        )
        line = {"size": size} if interpolate else {}
        taps.append((interpolating_taps if interpolate else nearest_taps)(start, stop, up=up, down=down, **line))
    expected = np.einsum("cxyz,ix,jy,kz->cijk", block, *(dense(*one) for one in zip(taps, shape, strict=True)))
    box = block[(slice(None), *(slice(one.first, one.stop) for one in taps))]
    kept = box.copy()
    got = resample(box, taps)
    assert got.dtype == dtype
    tolerance = 0.5001 if interpolate and np.dtype(dtype).kind in "iu" else 1e-4
    np.testing.assert_allclose(got.astype(float), expected, rtol=0, atol=tolerance)
    got[...] = 0
    np.testing.assert_array_equal(box, kept)


def test_down_sampling_takes_block_means_and_keeps_the_dtype():
    volume = np.random.default_rng(0).integers(0, 256, (2, 4, 6, 8)).astype(np.uint8)
    taps = [interpolating_taps(0, size // 2, size=size, up=1, down=2) for size in volume.shape[1:]]
    got = resample(volume, taps)
    means = volume.reshape(2, 2, 2, 3, 2, 4, 2).mean(axis=(2, 4, 6))
    assert got.dtype == np.uint8
    np.testing.assert_array_equal(got, np.rint(means))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.uint16, np.int64])
def test_a_constant_stays_constant(dtype):
    taps = interpolating_taps(0, 9, size=6, up=3, down=2)
    got = resample(np.full(6, 1001, dtype), [taps])
    assert got.dtype == dtype
    np.testing.assert_allclose(got, 1001, rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.uint32, np.int64, np.uint64])
@pytest.mark.parametrize(("up", "down"), [(1, 2), (2, 3), (2, 1), (5, 3)])
def test_means_of_the_highest_and_lowest_integers_stay_what_they_are(dtype, up, down):
    taps = interpolating_taps(0, resampled_size(6, up, down), size=6, up=up, down=down)
    for value in (np.iinfo(dtype).max, np.iinfo(dtype).min):
        means = resample(np.full(6, value, dtype)[taps.first : taps.stop], [taps])
        assert means.dtype == dtype
        assert (means == value).all()


@given(FACTORS, FACTORS, st.integers(2, 20), st.sampled_from([np.complex64, np.complex128]))
def test_complex_numbers_are_resampled_part_by_part(up, down, size, dtype):
    stop = resampled_size(size, up, down)
    if not stop:
        return
    generator = np.random.default_rng(size)
    line = (generator.random(size) + 1j * generator.random(size)).astype(dtype)
    taps = interpolating_taps(0, stop, size=size, up=up, down=down)
    means = resample(line[taps.first : taps.stop], [taps])
    assert means.dtype == dtype
    parts = [resample(part.astype(float)[taps.first : taps.stop], [taps]) for part in (line.real, line.imag)]
    np.testing.assert_allclose(means, parts[0] + 1j * parts[1], rtol=1e-6)


@pytest.mark.parametrize(("up", "down"), [(2, 1), (1, 2), (3, 2), (2, 3)])
@pytest.mark.parametrize("labels", [False, True])
def test_what_is_too_large_to_do_at_once_is_what_its_parts_are(up, down, labels):
    block = np.random.default_rng(0).integers(0, 256, (2 * 1100 * down // up, 1000 * down // up)).astype(np.uint8)
    rows, columns = (resampled_size(size, up, down) for size in block.shape)

    def taps(start, stop, size):
        if labels:
            return nearest_taps(start, stop, up=up, down=down)
        return interpolating_taps(start, stop, size=size, up=up, down=down)

    def read(begin, stop):
        both = [taps(begin, stop, block.shape[0]), taps(0, columns, block.shape[1])]
        return resample(block[tuple(slice(one.first, one.stop) for one in both)], both)

    whole = read(0, rows)
    assert whole.size > 2**20
    parts = [read(begin, min(rows, begin + 77)) for begin in range(0, rows, 77)]
    np.testing.assert_array_equal(whole, np.concatenate(parts))
