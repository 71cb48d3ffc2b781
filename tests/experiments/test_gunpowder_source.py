"""Arrays in gunpowder pipelines of one's own."""

import numpy as np
import pytest
import zarr
from funlib.geometry import Coordinate, Roi

from dalsegno.arrays.crop_array import CropArrayConfig
from dalsegno.arrays.numpy_array import NumpyArray
from dalsegno.arrays.zarr_array import ZarrArrayConfig
from dalsegno.errors import DataError
from dalsegno.experiments.trainers.gunpowder_source import GunpowderSource, gp

RAW, GT = gp.ArrayKey("RAW"), gp.ArrayKey("GT")


def placed(voxels, voxel_size, offset):
    channels = ["c"] * (voxels.ndim - len(voxel_size))
    roi = Roi(offset, Coordinate(voxels.shape[len(channels) :]) * Coordinate(voxel_size))
    axes = [*channels, *"zyx"[-len(voxel_size) :]]
    return NumpyArray.from_np_array(voxels, roi, Coordinate(voxel_size), axes, units="nm")


def random_batch(pipeline, shapes, seed):
    request = gp.BatchRequest(random_seed=seed)
    for key, shape in shapes.items():
        request.add(key, Coordinate(shape))
    with gp.build(pipeline):
        return pipeline.request_batch(request)


def patch_of(voxels, found):
    """Return the part of an array whose voxels all differ that begins as what was found."""
    corner = np.argwhere(voxels == found.flat[0])[0]
    return voxels[tuple(slice(at, at + size) for at, size in zip(corner, found.shape, strict=True))]


@pytest.mark.parametrize(
    ("shape", "voxel_size", "offset"),
    [((20, 30), (4, 8), (40, -16)), ((8, 10, 12), (40, 4, 8), (-80, 12, 16)), ((2, 20, 30), (4, 8), (0, 8))],
    ids=["2D", "3D", "channels"],
)
def test_random_locations_hold_the_voxels_of_the_array(shape, voxel_size, offset):
    voxels = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    array = placed(voxels, voxel_size, offset)
    pipeline = GunpowderSource(RAW, array) + gp.RandomLocation()
    seen = set()
    for seed in range(10):
        found = random_batch(pipeline, {RAW: Coordinate(voxel_size) * 4}, seed)[RAW]
        np.testing.assert_array_equal(found.data, patch_of(voxels, found.data))
        assert found.data.shape[-len(voxel_size) :] == (4,) * len(voxel_size)
        assert (found.spec.voxel_size, found.spec.dtype) == (Coordinate(voxel_size), np.float32)
        seen.add(found.data.flat[0])
    assert len(seen) > 5


def test_arrays_are_joined_padded_and_cropped():
    raw = placed(np.ones((20, 20), np.float32), (2, 2), (0, 0))
    gt = placed(np.arange(400, dtype=np.uint64).reshape(20, 20), (2, 2), (0, 0))
    joined = (GunpowderSource(RAW, raw) + gp.Pad(RAW, None), GunpowderSource(GT, gt)) + gp.MergeProvider()  # noqa: RUF005
    request = gp.BatchRequest()
    request[RAW] = gp.ArraySpec(roi=Roi((-20, 0), (80, 40)))
    request[GT] = gp.ArraySpec(roi=Roi((4, 4), (8, 8)))
    with gp.build(joined + gp.Crop(GT, Roi((4, 4), (8, 8)))) as pipeline:
        assert pipeline.spec[GT].roi == Roi((4, 4), (8, 8))
        batch = pipeline.request_batch(request)
    np.testing.assert_array_equal(batch[GT].data, gt.data[2:6, 2:6])
    np.testing.assert_array_equal(batch[RAW].data, np.pad(raw.data, ((10, 10), (0, 0))))


def test_arrays_between_the_multiples_of_their_voxels_are_counted_from_an_origin():
    raw = placed(np.arange(100, dtype=np.float32).reshape(10, 10), (8, 8), (4, -12))
    gt = placed(np.arange(400, dtype=np.uint64).reshape(20, 20), (4, 4), (4, -12))
    part = placed(gt.data[4:, 6:], (4, 4), (20, 12))
    origin = raw.roi.begin
    joined = (GunpowderSource(RAW, raw, origin=origin), GunpowderSource(GT, part, origin=origin)) + gp.MergeProvider()  # noqa: RUF005
    request = gp.BatchRequest(random_seed=3)
    request.add(RAW, Coordinate(24, 16))
    request.add(GT, Coordinate(24, 16))
    with gp.build(joined + gp.RandomLocation()) as pipeline:
        batch = pipeline.request_batch(request)
    # every other voxel of gt begins where one of raw does
    row, column = np.argwhere(raw.data == batch[RAW].data[0, 0])[0]
    np.testing.assert_array_equal(batch[RAW].data, raw.data[row : row + 3, column : column + 2])
    np.testing.assert_array_equal(batch[GT].data, gt.data[2 * row : 2 * row + 6, 2 * column : 2 * column + 4])


@pytest.mark.parametrize("origin", [None, (8, 0), (4,)])
def test_an_origin_that_does_not_fit_is_an_error_that_says_which_does(origin):
    array = placed(np.zeros((10, 10), np.float32), (8, 8), (4, -12))
    with pytest.raises(DataError, match=r"no multiple of its voxel size.* origin=\(4, -12\)"):
        GunpowderSource(RAW, array, origin=origin)


def test_labels_are_not_interpolated_unless_told_to():
    voxels = np.zeros((4, 4))
    provided = {
        dtype: GunpowderSource(RAW, placed(voxels.astype(dtype), (1, 1), (0, 0))) for dtype in ("uint8", "uint64")
    }
    assert {dtype: node.interpolatable for dtype, node in provided.items()} == {"uint8": True, "uint64": False}
    assert GunpowderSource(RAW, provided["uint64"].array, interpolatable=True).interpolatable


def test_augments_do_not_change_the_array():
    array = placed(np.ones((6, 6), np.float32), (1, 1), (0, 0))
    pipeline = GunpowderSource(RAW, array) + gp.IntensityScaleShift(RAW, 3, 1) + gp.RandomLocation()
    assert (random_batch(pipeline, {RAW: (2, 2)}, 0)[RAW].data == 4).all()
    assert (array.data == 1).all()


def test_stored_views_are_read_by_worker_processes(tmp_path):
    voxels = np.arange(16**3, dtype=np.uint16).reshape(16, 16, 16)
    attributes = {"voxel_size": [8, 4, 4], "offset": [0, 0, 0], "axis_names": ["z", "y", "x"], "units": ["nm"] * 3}
    zarr.create_array(tmp_path / "a.zarr", name="raw", data=voxels, chunks=(8, 8, 8), attributes=attributes)
    config = CropArrayConfig(
        source_array_config=ZarrArrayConfig(file_name=tmp_path / "a.zarr", dataset="raw"),
        roi=Roi((16, 8, 8), (80, 40, 40)),
    )
    array = config.open()
    whole = np.array(array.data)
    pipeline = GunpowderSource(RAW, array) + gp.RandomLocation() + gp.PreCache(cache_size=4, num_workers=2)
    request = gp.BatchRequest()
    request.add(RAW, Coordinate(32, 16, 16))
    with gp.build(pipeline):
        for _ in range(4):
            found = pipeline.request_batch(request)[RAW].data
            assert found.shape == (4, 4, 4)
            np.testing.assert_array_equal(found, patch_of(whole, found))
