"""What a dataset refuses, and how it reads intensities."""

import numpy as np
import pytest
import tifffile
from funlib.geometry import Roi

from dalsegno.arrays.crop_array import CropArrayConfig
from dalsegno.arrays.file_array import FileArrayConfig
from dalsegno.arrays.intensities_array import IntensitiesArrayConfig
from dalsegno.arrays.logical_or_array import LogicalOrArrayConfig
from dalsegno.arrays.missing_annotations_mask import MissingAnnotationsMaskConfig
from dalsegno.arrays.resampled_array import ResampledArrayConfig
from dalsegno.errors import ConfigError, DataError
from dalsegno.experiments.datasets.raw_gt_dataset import RawGTDataset, RawGTDatasetConfig, as_intensities

RAW = np.arange(48, dtype=np.uint8).reshape(6, 8) * 5


@pytest.fixture
def folder(tmp_path):
    tifffile.imwrite(tmp_path / "raw.tif", RAW)
    tifffile.imwrite(tmp_path / "gt.tif", (RAW > 100).astype(np.uint16))
    return tmp_path


def file(path):
    return FileArrayConfig(file_name=path, voxel_size=(4, 2), units="nm", axes=("y", "x"))


def dataset(folder, **changes):
    given = {"raw_config": file(folder / "raw.tif"), "gt_config": file(folder / "gt.tif")}
    return RawGTDatasetConfig(name="blobs", **given | changes)


def test_raw_config_is_the_users_own_and_raw_is_scaled(folder):
    config = dataset(folder)
    opened = RawGTDataset(config)
    assert opened.raw_config == config.raw_config
    np.testing.assert_array_equal(opened.raw.data, RAW.astype(np.float32) / 255)


@pytest.mark.parametrize(
    "same", [RAW, RAW.astype(np.uint16) * 257, RAW.astype(np.float32) / 255], ids=["uint8", "uint16", "float32"]
)
def test_intensities_do_not_depend_on_the_dtype_they_are_stored_in(tmp_path, same):
    tifffile.imwrite(tmp_path / "same.tif", same)
    read = as_intensities("same.tif", file(tmp_path / "same.tif")).open()
    np.testing.assert_array_equal(read.data, RAW.astype(np.float32) / 255)


def test_intensities_that_the_user_scales_are_not_scaled_again(folder):
    scaled = IntensitiesArrayConfig(source_array_config=file(folder / "raw.tif"), min=0, max=10)
    assert as_intensities("raw.tif", scaled) == scaled


def test_labels_are_no_intensities(tmp_path):
    tifffile.imwrite(tmp_path / "labels.tif", RAW.astype(np.int32))
    with pytest.raises(DataError, match=r"labels\.tif: raw has dtype int32"):
        as_intensities("labels.tif", file(tmp_path / "labels.tif"))


def test_a_mask_has_a_channel_for_each_of_gt_or_one_and_the_voxels_of_gt(folder):
    groups = {"source_array_config": file(folder / "gt.tif"), "groupings": [("cell", [1]), ("rest", [2])]}
    usable = MissingAnnotationsMaskConfig(**groups)
    with pytest.raises(DataError, match=r"mask has 2 channels, gt 1; .*LogicalOrArray"):
        RawGTDataset(dataset(folder, mask_config=usable))
    assert RawGTDataset(dataset(folder, gt_config=usable, mask_config=usable)).mask.num_channels == 2
    joined = LogicalOrArrayConfig(source_array_config=usable)
    opened = RawGTDataset(dataset(folder, mask_config=joined))
    np.testing.assert_array_equal(opened.mask.data, RAW > 100)
    coarse = {"upsample": (1, 1), "downsample": (2, 2), "interp_order": False}
    with pytest.raises(DataError, match=r"mask has voxels of .* use ResampledArray"):
        RawGTDataset(dataset(folder, mask_config=ResampledArrayConfig(source_array_config=joined, **coarse)))


def test_sample_points_within_the_ground_truth_are_kept(folder):
    assert RawGTDataset(dataset(folder, sample_points=[(4, 2), (23, 15)])).sample_points == ((4, 2), (23, 15))


def test_an_empty_list_of_sample_points_is_refused(folder):
    with pytest.raises(ConfigError, match="sample_points: holds no point"):
        dataset(folder, sample_points=[])


@pytest.mark.parametrize("point", [(4,), (0, 4, 2)])
def test_a_sample_point_of_other_dimensions_is_refused(folder, point):
    with pytest.raises(DataError, match=rf"has {len(point)} numbers, the ground truth 2 spatial axes \['y', 'x'\]"):
        RawGTDataset(dataset(folder, sample_points=[(4, 2), point]))


def test_a_sample_point_outside_is_refused(folder):
    with pytest.raises(DataError, match=r"\(24, 2\) lies outside"):
        RawGTDataset(dataset(folder, sample_points=[(24, 2)]))


@pytest.mark.parametrize(
    ("roi", "first", "then"),
    [(Roi((0, 0), (40, 40)), "`roi` within the data", "fill_value"), (Roi((2, 0), (4, 4)), "on whole voxels", "snap")],
)
def test_a_crop_that_does_not_fit_says_what_to_change_in_the_experiment_first(folder, roi, first, then):
    with pytest.raises(DataError) as error:
        RawGTDataset(dataset(folder, raw_config=CropArrayConfig(source_array_config=file(folder / "raw.tif"), roi=roi)))
    message = str(error.value)
    assert message.index(first) < message.index("`offset`") < message.index(f"in Python, to_ndarray(roi, {then}")
