"""What is measured: blobs of many sizes as instances, and noisy predictions of them; numpy and scipy only."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

NEIGHBORHOOD = [(1, 0, 0), (0, 1, 0), (0, 0, 1), (3, 0, 0), (0, 3, 0), (0, 0, 3)]
VOXEL_SIZE = (8, 8, 8)
SCALE = 40.0


def instances(length: int, spacing: int = 20, share: float = 0.15, seed: int = 0) -> NDArray[np.uint64]:
    """Return blobs in a cube, about one for each `spacing` cubed, that fill about `share` of it."""
    generator = np.random.default_rng(seed)
    field = ndimage.zoom(generator.normal(size=(length // 4,) * 3).astype(np.float32), 4, order=1)
    field = ndimage.gaussian_filter(field, spacing / 5)
    labels, _ = ndimage.label(field > np.quantile(field, 1 - share))
    return labels.astype(np.uint64)


def cells(length: int, count: int, seed: int = 0) -> NDArray[np.uint64]:
    """Return a cube packed with cells, without background."""
    generator = np.random.default_rng(seed)
    seeds = np.zeros((length,) * 3, np.uint64)
    points = generator.integers(0, length, (count, 3))
    seeds[tuple(points.T)] = np.arange(1, count + 1)
    _, nearest = ndimage.distance_transform_edt(seeds == 0, return_indices=True)
    return seeds[tuple(nearest)]


def with_errors(labels: NDArray[np.uint64], voxels: float = 2.0, seed: int = 1) -> NDArray[np.uint64]:
    """Return the labels read at places displaced by smooth noise of about `voxels` voxels."""
    generator = np.random.default_rng(seed)
    places = []
    for axis in range(3):
        coarse = generator.normal(scale=voxels, size=[length // 8 for length in labels.shape])
        offset = ndimage.zoom(coarse.astype(np.float32), 8, order=1)
        line = np.arange(labels.shape[axis], dtype=np.float32)
        places.append(offset + line.reshape([-1 if a == axis else 1 for a in range(3)]))
    return ndimage.map_coordinates(labels, places, order=0, mode="nearest")


def distance_prediction(labels: NDArray[np.uint64], seed: int = 2) -> NDArray[np.float32]:
    """Return what a trained network gives: tanh distances with noise, float32, ``(1, z, y, x)``."""
    inside = ndimage.distance_transform_edt(labels > 0, sampling=VOXEL_SIZE)
    outside = ndimage.distance_transform_edt(labels == 0, sampling=VOXEL_SIZE)
    clean = np.tanh((inside - outside) / SCALE).astype(np.float32)
    return np.clip(clean + _noise(labels.shape, 0.25, seed), -1, 1)[None]


def affinity_prediction(labels: NDArray[np.uint64], seed: int = 3) -> NDArray[np.float32]:
    """Return what a trained network gives: affinities with noise, float32, one channel for each neighbour."""
    predicted = []
    for channel, offset in enumerate(NEIGHBORHOOD):
        other = np.roll(labels, [-step for step in offset], axis=(0, 1, 2))
        same = ((labels == other) & (labels > 0)).astype(np.float32)
        logits = ndimage.gaussian_filter(same * 8 - 4, 0.7) + 4 * _noise(labels.shape, 0.3, seed + channel)
        predicted.append(1 / (1 + np.exp(-logits)))
    return np.stack(predicted).astype(np.float32)


def _noise(shape: tuple[int, ...], scale: float, seed: int) -> NDArray[np.float32]:
    generator = np.random.default_rng(seed)
    noise = ndimage.gaussian_filter(generator.normal(size=shape).astype(np.float32), 1)
    return noise * np.float32(scale / noise.std())
