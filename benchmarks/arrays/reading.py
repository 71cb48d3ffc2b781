"""Reading boxes: sources and arrays against the libraries below them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorstore
import zarr
from funlib.geometry import Coordinate, Roi
from timing import Row, compare
from volumes import EDGE, Layout, corners, layouts, store, store_corner_of_large

from dalsegno.arrays.binarize_array import BinarizeArrayConfig
from dalsegno.arrays.crop_array import CropArrayConfig
from dalsegno.arrays.intensities_array import IntensitiesArrayConfig
from dalsegno.arrays.zarr_array import ZarrArrayConfig
from dalsegno.sources import ArraySource, as_source, open_source

VOXEL = 8
Slices = tuple[slice, ...]


def small_patches(folder: Path, data: Any) -> Iterator[Row]:
    """Compare 64³ patches of a source and of an array with indexing the zarr array itself."""
    path = store(folder / "small.zarr", data, Layout("v3 zstd 64", {"chunks": (64,) * 3}))
    stored = zarr.open_array(path, mode="r")
    boxes = [_slices(corner, 64) for corner in corners(40, 64)]
    rois = [_roi(box) for box in boxes]
    opened, wrapped = open_source(path), as_source(stored)
    assert isinstance(wrapped, ArraySource)
    array = ZarrArrayConfig(file_name=path, dataset="", mode="r").open()
    by_zarr = _reads(stored, boxes)
    yield compare("as_source(zarr array)[64³]", _reads(wrapped, boxes), by_zarr, against="zarr", limit=1.05, calls=40)
    yield compare("open_source(path)[64³]", _reads(opened, boxes), by_zarr, against="zarr", limit=1.05, calls=40)
    yield compare("ZarrArray[roi of 64³]", _reads(array, rois), by_zarr, against="zarr", limit=1.10, calls=40)


def chain(folder: Path) -> Row:
    """Compare a chain of views with the same arithmetic in numpy after the same read."""
    path = folder / "small.zarr"
    source = ZarrArrayConfig(file_name=path, dataset="", mode="r")
    inner = Roi((32 * VOXEL,) * 3, ((EDGE - 64) * VOXEL,) * 3)
    crop = CropArrayConfig(source_array_config=source, roi=inner)
    scaled = IntensitiesArrayConfig(source_array_config=crop, min=0.0, max=255.0)
    groupings = [["bright", [1]], ["any", []]]
    view = BinarizeArrayConfig(source_array_config=scaled, groupings=groupings).open()
    opened = open_source(path)
    boxes = [_slices([at + 32 for at in corner], 128) for corner in corners(10, 128, EDGE - 64)]

    def by_hand() -> None:
        for box in boxes:
            values = opened[box].astype(np.float32)
            values -= np.float32(0)
            values /= np.float32(255)
            np.stack([values == 1, values != 0]).astype(np.uint8)

    rois = [_roi(box) for box in boxes]
    return compare(
        "Crop -> Intensities -> Binarize [128³]", _reads(view, rois), by_hand, against="numpy", limit=1.2, calls=10
    )


def every_layout(folder: Path, data: Any, *, count: int = 100) -> Iterator[Row]:
    """Compare 128³ patches with tensorstore, and with zarr-python, in each layout."""
    boxes = [_slices(corner, 128) for corner in corners(count, 128)]
    for layout in layouts():
        path = store(folder / f"{layout.name}.zarr", data, layout)
        ours, by_zarr, by_tensorstore = open_source(path), zarr.open_array(path, mode="r"), _tensorstore(path, layout)
        for box in boxes[:10]:
            np.testing.assert_array_equal(ours[box], by_zarr[box])
        yield compare(
            f"128³ patches, {layout.name}",
            _reads(ours, boxes),
            lambda raw=by_tensorstore: [raw[box].read().result() for box in boxes],
            against="tensorstore",
            limit=1.15,
            rounds=5,
            calls=count,
        )
        yield compare(
            f"128³ patches, {layout.name}",
            _reads(ours, boxes),
            _reads(by_zarr, boxes),
            against="zarr",
            rounds=3,
            calls=count,
        )


def growth(folder: Path, data: Any) -> Iterator[Row]:
    """Compare a 128³ read from a 16384³ array with one from 512³; funlib.persistence for comparison."""
    from funlib.persistence import open_ds

    small = store_corner_of_large(folder / "512.zarr", data, EDGE)
    large = store_corner_of_large(folder / "16384.zarr", data, 16384)
    far = 16384 - EDGE
    begins = corners(20, 128)
    near_rois = [_roi(_slices(corner, 128)) for corner in begins]
    far_rois = [_roi(_slices([at + far for at in corner], 128)) for corner in begins]
    arrays = [ZarrArrayConfig(file_name=path, dataset="", mode="r").open() for path in (large, small)]
    np.testing.assert_array_equal(arrays[0][far_rois[0]], arrays[1][near_rois[0]])
    from_large, from_small = _reads(arrays[0], far_rois), _reads(arrays[1], near_rois)
    yield compare("128³ from 16384³", from_large, from_small, against="from 512³", limit=1.2, calls=20)
    by_funlib = _reads(open_ds(small, mode="r"), near_rois)
    yield compare("128³ from 512³", from_small, by_funlib, against="funlib.persistence", rounds=3, calls=20)
    once, by_funlib = _reads(arrays[0], far_rois[:1]), _reads(open_ds(large, mode="r"), far_rois[:1])
    yield compare("128³ from 16384³", once, by_funlib, against="funlib.persistence", rounds=1)


def _tensorstore(path: Path, layout: Layout) -> Any:
    driver = "zarr" if layout.options.get("zarr_format") == 2 else "zarr3"
    return tensorstore.open({"driver": driver, "kvstore": {"driver": "file", "path": str(path)}}, read=True).result()


def _reads(array: Any, boxes: list[Any]) -> Callable[[], list[Any]]:
    return lambda: [array[box] for box in boxes]


def _slices(corner: Any, size: int) -> Slices:
    return tuple(slice(at, at + size) for at in corner)


def _roi(box: Slices) -> Roi:
    begin = Coordinate(entry.start for entry in box)
    return Roi(begin, Coordinate(entry.stop for entry in box) - begin) * VOXEL
