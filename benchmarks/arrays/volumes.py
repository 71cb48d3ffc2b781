"""The volumes that are read: noise like that of electron microscopy, stored in every usual way."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numcodecs import Blosc
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from zarr.codecs import BloscCodec, ZstdCodec

EDGE = 512


def tissue(edge: int = EDGE) -> NDArray[np.uint8]:
    """Return smooth structure with sensor noise on it, uint8, (z, y, x)."""
    random = np.random.default_rng(0)
    coarse = gaussian_filter(random.standard_normal((edge // 8,) * 3), 2)
    smooth = coarse.repeat(8, 0).repeat(8, 1).repeat(8, 2)
    noisy = 128 + 40 * smooth / smooth.std() + random.normal(0, 12, smooth.shape)
    return noisy.clip(0, 255).astype(np.uint8)


@dataclass(frozen=True)
class Layout:
    """A way to store a volume."""

    name: str
    options: dict[str, Any]


def layouts() -> Iterator[Layout]:
    """Yield zarr version 2 and 3, uncompressed and compressed, sharded or not."""
    for codec, compressor in _V2.items():
        for chunk in (64, 128):
            options = {"zarr_format": 2, "chunks": (chunk,) * 3, "compressors": compressor}
            yield Layout(f"v2 {codec} {chunk}", options)
    for codec, compressor in _V3.items():
        for chunk in (64, 128):
            yield Layout(f"v3 {codec} {chunk}", {"chunks": (chunk,) * 3, "compressors": compressor})
    for codec in ("lz4", "zstd"):
        for chunk in (32, 64):
            options = {"chunks": (chunk,) * 3, "shards": (256,) * 3, "compressors": _V3[codec]}
            yield Layout(f"v3 shard 256, {codec} {chunk}", options)


_V2 = {"none": None, "lz4": Blosc("lz4", 5, Blosc.SHUFFLE), "zstd": Blosc("zstd", 3, Blosc.SHUFFLE)}
_V3 = {"none": None, "lz4": BloscCodec(cname="lz4", clevel=5), "zstd": ZstdCodec(level=3)}


def store(path: Path, data: NDArray[Any], layout: Layout) -> Path:
    """Store a volume; its voxels are 8 nm wide."""
    attributes = {"voxel_size": [8, 8, 8], "offset": [0, 0, 0], "axis_names": ["z", "y", "x"], "units": ["nm"] * 3}
    zarr.create_array(path, data=data, attributes=attributes, **layout.options)
    return path


def store_corner_of_large(path: Path, corner: NDArray[Any], edge: int) -> Path:
    """Store an array of `edge`³ of which only the last corner has data."""
    options = {"chunks": (64,) * 3, "compressors": _V3["zstd"], "dtype": corner.dtype}
    attributes = {"voxel_size": [8, 8, 8], "offset": [0, 0, 0], "axis_names": ["z", "y", "x"], "units": ["nm"] * 3}
    array = zarr.create_array(path, shape=(edge,) * 3, attributes=attributes, **options)
    array[tuple(slice(edge - size, edge) for size in corner.shape)] = corner
    return path


def store_pyramid(path: Path, levels: int) -> Path:
    """Store an OME-Zarr image of several levels."""
    group = zarr.create_group(path)
    datasets = []
    for level in range(levels):
        factor = 2**level
        group.create_array(f"s{level}", shape=(max(1, 1024 // factor),) * 3, chunks=(64,) * 3, dtype="uint8")
        scale = {"type": "scale", "scale": [8 * factor] * 3}
        shift = {"type": "translation", "translation": [4 * (factor - 1)] * 3}
        datasets.append({"path": f"s{level}", "coordinateTransformations": [scale, shift]})
    axes = [{"name": name, "type": "space", "unit": "nanometer"} for name in "zyx"]
    group.attrs["ome"] = {"version": "0.5", "multiscales": [{"axes": axes, "datasets": datasets}]}
    return path


def corners(count: int, size: int, edge: int = EDGE, seed: int = 0) -> list[tuple[int, ...]]:
    """Draw where boxes of `size`³ begin."""
    random = np.random.default_rng(seed)
    return [tuple(int(at) for at in random.integers(0, edge - size + 1, 3)) for _ in range(count)]
