"""One section of an image beside its ground truth and its prediction."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

__all__ = ["Panel", "fullest_section", "label_colours", "plot_slices"]

OPACITY = 0.45
GOLDEN_RATIO = 0.618034


@frozen(eq=False)
class Panel:
    """One picture of the row: labels or channels in colour over the grey image.

    Attributes
    ----------
    title
        What is written above.
    image
        Colours in 0 to 1, (Y, X, 3).
    """

    title: str
    image: NDArray[np.float32]


def plot_slices(
    raw: NDArray[Any],
    gt: NDArray[Any] | None,
    prediction: NDArray[Any] | None,
    path: str | Path,
    *,
    title: str = "",
    channel_names: Sequence[str] | None = None,
) -> Path:
    """Draw raw, ground truth and prediction of one section side by side into a PNG file.

    Parameters
    ----------
    raw
        Grey values of any range, (Y, X) or (Z, Y, X).
    gt, prediction
        What is drawn in colour over the image; left out where None. Either labels on the axes of `raw`, 0 for
        background, or one mask per channel on a channel axis before those: (C, Y, X) or (C, Z, Y, X).
    path
        The file to write; folders that are missing are made.
    title
        Written above the row.
    channel_names
        Names of the channels, for a legend.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    ValueError
        If the axes of the arrays do not agree.

    Notes
    -----
    Of a stack the section with the most ground truth is shown, without ground truth the one with the most
    predicted foreground, without both the middle one.
    """
    overlays = {"ground truth": gt, "prediction": prediction}
    for name, labels in overlays.items():
        if labels is not None and raw.shape not in (labels.shape, labels.shape[1:]):
            raise ValueError(
                f"{name} of shape {labels.shape} does not lie on raw of shape {raw.shape}; crop to one ROI"
            )
    section = fullest_section(gt if gt is not None else prediction, raw.shape) if raw.ndim == 3 else None
    if section is not None:
        raw = raw[section]
        overlays = {name: None if labels is None else labels[..., section, :, :] for name, labels in overlays.items()}
    grey = _grey(raw)
    panels = [Panel("raw" if section is None else f"raw, section {section}", grey)]
    panels += [Panel(name, _blend(grey, labels)) for name, labels in overlays.items() if labels is not None]
    return _save(panels, Path(path), title, channel_names)


def fullest_section(labels: NDArray[Any] | None, shape: Sequence[int]) -> int:
    """Return the position along z with the most labelled voxels, the middle where there are none.

    Parameters
    ----------
    labels
        (Z, Y, X) or (C, Z, Y, X); None for no labels.
    shape
        Shape of the image, (Z, Y, X).
    """
    if labels is None or not labels.any():
        return shape[0] // 2
    other_axes = tuple(axis for axis in range(labels.ndim) if axis != labels.ndim - 3)
    return int(np.count_nonzero(labels, axis=other_axes).argmax())


def label_colours(labels: NDArray[Any]) -> NDArray[np.float32]:
    """Return a colour for each label, (..., 3) in 0 to 1; the same label is the same colour in every picture.

    Hues go round by the golden ratio, so that labels near each other are far apart in colour.
    """
    from matplotlib.colors import hsv_to_rgb

    ids = np.asarray(labels).astype(np.uint64)
    hue = (ids % np.uint64(4093)).astype(np.float64) * GOLDEN_RATIO % 1
    saturation = 0.65 + 0.35 * (ids % np.uint64(2)).astype(np.float64)
    return np.asarray(hsv_to_rgb(np.stack([hue, saturation, np.ones_like(hue)], -1)), np.float32)


def _grey(raw: NDArray[Any]) -> NDArray[np.float32]:
    """Stretch a (Y, X) image between its 1st and 99th percentile; (Y, X, 3)."""
    low, high = np.percentile(raw, (1, 99))
    stretched = np.clip((raw.astype(np.float32) - low) / max(high - low, 1e-12), 0, 1)
    return np.repeat(stretched[..., None], 3, axis=-1).astype(np.float32)


def _blend(grey: NDArray[np.float32], labels: NDArray[Any]) -> NDArray[np.float32]:
    """Lay labels (Y, X) or masks (C, Y, X) over a (Y, X, 3) image."""
    image = grey.copy()
    masks = labels if labels.ndim == 3 else labels[None]
    for channel, mask in enumerate(masks):
        shown = mask != 0
        colours = label_colours(np.array(channel + 1) if labels.ndim == 3 else mask[shown])
        image[shown] = (1 - OPACITY) * image[shown] + OPACITY * colours
    return image


def _save(panels: Sequence[Panel], path: Path, title: str, channel_names: Sequence[str] | None) -> Path:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    height, width = panels[0].image.shape[:2]
    figure = Figure(figsize=(4 * len(panels), 4 * height / width + 0.8), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, panel in zip(figure.subplots(1, len(panels), squeeze=False).flat, panels, strict=True):
        axes.imshow(panel.image, interpolation="nearest" if width < 256 else "antialiased")
        axes.set_title(panel.title, fontsize=11)
        axes.set_axis_off()
    if title:
        figure.suptitle(title, fontsize=13)
    if channel_names:
        colours = label_colours(np.arange(1, len(channel_names) + 1)).tolist()
        keys = [Patch(color=tuple(colour), label=name) for colour, name in zip(colours, channel_names, strict=True)]
        figure.legend(handles=keys, loc="outside lower center", ncols=len(keys), frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
    return path
