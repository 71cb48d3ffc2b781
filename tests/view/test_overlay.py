import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.image import imread

from dalsegno.view.overlay import fullest_section, label_colours, plot_slices


@pytest.fixture
def raw():
    return np.random.default_rng(0).integers(0, 255, (4, 30, 40), dtype=np.uint8)


@pytest.fixture
def gt(raw):
    labels = np.zeros(raw.shape, np.uint64)
    labels[1, :5], labels[2, :20] = 2**63 + 1, 7
    return labels


@pytest.mark.parametrize("channels", [None, 1, 3])
def test_panels_stand_side_by_side(tmp_path, raw, gt, channels):
    prediction = gt if channels is None else np.stack([gt > 0] * channels)
    names = [f"organelle {channel}" for channel in range(channels or 0)]
    image = imread(plot_slices(raw, gt, prediction, tmp_path / "new" / "a.png", title="run a", channel_names=names))
    assert image.shape[1] > 2 * image.shape[0]


def test_colour_appears_only_where_there_is_an_overlay(tmp_path, raw, gt):
    def coloured(path):
        image = imread(path)[..., :3]
        return (np.ptp(image, axis=2) > 0.1).mean()

    assert coloured(plot_slices(raw, None, None, tmp_path / "raw.png")) == 0
    one = coloured(plot_slices(raw, gt, np.zeros_like(gt), tmp_path / "one.png"))
    both = coloured(plot_slices(raw, gt, gt, tmp_path / "both.png"))
    assert 0.05 < one < both


def test_one_section_of_a_single_grey_value_can_be_drawn(tmp_path):
    flat = np.full((20, 20), 7.0)
    assert plot_slices(flat, flat > 7, None, tmp_path / "flat.png").exists()


def test_arrays_that_do_not_lie_on_each_other_are_refused(tmp_path, raw, gt):
    with pytest.raises(
        ValueError, match=r"prediction of shape \(4, 30, 39\) does not lie on raw of shape \(4, 30, 40\)"
    ):
        plot_slices(raw, gt, gt[..., :39], tmp_path / "a.png")
    with pytest.raises(ValueError, match="crop to one ROI"):
        plot_slices(raw, gt[0], None, tmp_path / "a.png")


def test_the_section_with_most_foreground_is_chosen(gt):
    assert fullest_section(gt, gt.shape) == 2
    assert fullest_section(np.stack([gt == 7, gt > 0]), gt.shape) == 2
    assert fullest_section(np.zeros_like(gt), gt.shape) == fullest_section(None, gt.shape) == 2


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=20))
def test_a_label_has_one_colour_whatever_stands_beside_it(ids):
    together = label_colours(np.array(ids, np.uint64))
    alone = np.stack([label_colours(np.array(label, np.uint64)) for label in ids])
    np.testing.assert_array_equal(together, alone)
    assert together.min() >= 0
    assert together.max() <= 1


def test_neighbouring_labels_are_told_apart():
    colours = label_colours(np.arange(1, 9))
    distances = np.abs(colours[:, None] - colours[None]).sum(-1)
    assert distances[~np.eye(8, dtype=bool)].min() > 0.3
