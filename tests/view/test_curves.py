import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.image import imread

from dalsegno.view.curves import RunCurves, moving_average, plot_curves

losses = st.lists(st.floats(-10, 10) | st.just(float("nan")), max_size=30)


@given(losses, st.integers(1, 12))
def test_moving_average_is_the_mean_of_the_neighbours(values, window):
    half = window // 2
    neighbours = [np.array(values[max(0, i - half) : i + half + 1]) for i in range(len(values))]
    expected = [part[~np.isnan(part)].mean() if (~np.isnan(part)).any() else np.nan for part in neighbours]
    np.testing.assert_allclose(moving_average(values, window), expected, atol=1e-12)


def test_picture_shows_runs_that_differ_in_what_they_have(tmp_path):
    runs = {
        "whole": RunCurves(
            range(100), np.linspace(1, 0, 100), {"val": [(50, 0.4), (100, float("nan"))], "b": [(50, 0.3)]}
        ),
        "not validated": RunCurves([0], [0.5]),
        "undefined": RunCurves([0, 1], [float("nan")] * 2, {"val": [(1, float("nan"))]}),
        "new": RunCurves(),
    }
    path = plot_curves(runs, "f1_score", tmp_path / "pictures" / "curves.png")
    image = imread(path)
    assert image.shape[1] > image.shape[0] > 300
    assert image.std() > 0


def test_picture_of_nothing_says_so_instead_of_failing(tmp_path):
    assert plot_curves({"new": RunCurves()}, "voi", tmp_path / "curves.png").stat().st_size > 1000


def test_best_of_a_distance_is_the_smallest(tmp_path):
    run = {"a": RunCurves([0], [1.0], {"val": [(1, 5.0), (2, 3.0), (3, 4.0)]})}
    low = imread(plot_curves(run, "voi", tmp_path / "low.png", higher_is_better=False))
    high = imread(plot_curves(run, "voi", tmp_path / "high.png"))
    changed = np.nonzero((low != high).any(axis=(0, 2)))[0]
    left, right = changed.min() / low.shape[1], changed.max() / low.shape[1]
    assert 0.5 < left < 0.6, "the largest, at the first iteration, is ringed in one of them only"
    assert 0.7 < right < 0.9, "the smallest, at the second, in the other"
