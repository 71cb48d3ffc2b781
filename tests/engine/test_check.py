"""What a check finds in data that opens and fits."""

import numpy as np
import pytest
import tifffile
import torch

from dalsegno.arrays.file_array import FileArrayConfig
from dalsegno.engine.check import check
from dalsegno.experiments.architectures.cnnectome_unet import CNNectomeUNetConfig
from dalsegno.experiments.datasets.raw_gt_dataset import RawGTDatasetConfig
from dalsegno.experiments.datasplits.train_validate_datasplit import TrainValidateDataSplitConfig
from dalsegno.experiments.run import RunConfig
from dalsegno.experiments.tasks.affinities_task import AffinitiesTaskConfig
from dalsegno.experiments.tasks.distance_task import DistanceTaskConfig
from dalsegno.experiments.tasks.hot_distance_task import HotDistanceTaskConfig
from dalsegno.experiments.tasks.inner_distance_task import InnerDistanceTaskConfig
from dalsegno.experiments.tasks.one_hot_task import OneHotTaskConfig
from dalsegno.experiments.trainers.gunpowder_trainer import GunpowderTrainerConfig

SIZE = 160
DISTANCES = {"channels": ("blob",), "clip_distance": 50, "tol_distance": 10}
ONE_HOT = OneHotTaskConfig(classes=("background", "blob"))


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def labels():
    y, x = np.mgrid[:SIZE, :SIZE]
    return (np.sin(y / 7) + np.cos(x / 9 + y / 31) > 0.3).astype(np.uint16)


@pytest.fixture
def checked(tmp_path):
    """Checks an experiment with these labels and mask, to train on and, if asked, to validate with others."""

    def dataset(name, labels, mask, offset):
        raw = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE)).astype(np.uint8)
        files = {"raw": raw, "gt": labels} | ({} if mask is None else {"mask": mask})
        arrays = {}
        for role, data in files.items():
            file = tmp_path / f"{name}_{role}.tif"
            tifffile.imwrite(file, data)
            place = {"voxel_size": (4, 4), "units": "nm", "offset": (0, 0) if role != "mask" else offset}
            arrays[f"{role}_config"] = FileArrayConfig(file_name=file, axes=("y", "x"), **place)
        return RawGTDatasetConfig(name=name, **arrays)

    def run(task, labels, mask=None, validate=None, offset=(0, 0)):
        network = {"fmaps_in": 1, "fmaps_out": 2, "num_fmaps": 2, "fmap_inc_factor": 1}
        split = {"train_configs": [dataset("left", labels, mask, offset)]}
        if validate is not None:
            split["validate_configs"] = [dataset("right", validate, mask, offset)]
        return check(
            RunConfig(
                name="blobs",
                architecture_config=CNNectomeUNetConfig(input_shape=(32, 32), downsample_factors=[(2, 2)], **network),
                task_config=task,
                trainer_config=GunpowderTrainerConfig(
                    batch_size=1, learning_rate=1e-3, num_data_fetchers=0, min_masked=None
                ),
                datasplit_config=TrainValidateDataSplitConfig(**split),
                num_iterations=8,
            )
        )

    return run


def messages(report):
    return [str(problem) for problem in report.problems]


def test_a_class_that_stands_in_one_corner_is_found(checked, labels):
    assert not checked(ONE_HOT, labels).problems
    labels[-1, -1] = 2
    (message,) = messages(checked(ONE_HOT, labels))
    for said in ("train_configs[0]", "dataset 'left'", "[2]", "background, blob", "nm"):
        assert said in message


def test_labels_to_validate_with_are_looked_through_too(checked, labels):
    wrong = labels.copy()
    wrong[-1, -1] = 7
    (message,) = messages(checked(ONE_HOT, labels, validate=wrong))
    assert "validate_configs[0]" in message
    assert "dataset 'right'" in message


def test_labels_where_nothing_is_annotated_may_be_any(checked, labels):
    labels[:4] = 9
    mask = np.ones_like(labels)
    mask[:4] = 0
    assert not checked(ONE_HOT, labels, mask).problems
    # the mask begins below them
    assert not checked(ONE_HOT, labels, np.ones_like(mask)[4:], offset=(16, 0)).problems


def test_every_block_of_a_dataset_is_looked_at(checked, labels, monkeypatch):
    # those at the ends are cut
    monkeypatch.setattr("dalsegno.engine.check_labels.BLOCK_VOXELS", 2**10 - 100)
    monkeypatch.setattr("dalsegno.engine.check_labels.MOST_VOXELS", SIZE**2)
    for corner in ((0, 0), (0, -1), (-1, 0), (-1, -1), (SIZE // 2, SIZE // 2)):
        wrong = labels.copy()
        wrong[corner] = 3
        assert len(messages(checked(ONE_HOT, wrong))) == 1


def test_of_a_large_dataset_blocks_all_over_it_are_looked_at(checked, labels, monkeypatch):
    monkeypatch.setattr("dalsegno.engine.check_labels.BLOCK_VOXELS", 2**6)
    monkeypatch.setattr("dalsegno.engine.check_labels.MOST_VOXELS", 2**13)
    for quarter in np.ndindex(2, 2):
        wrong = labels.copy()
        wrong[tuple(slice(part * SIZE // 2, (part + 1) * SIZE // 2) for part in quarter)] = 3
        assert len(messages(checked(ONE_HOT, wrong))) == 1
    wrong = np.full_like(labels, 3)
    (first,), (second,) = messages(checked(ONE_HOT, wrong)), messages(checked(ONE_HOT, wrong))
    assert first == second


@pytest.mark.parametrize("scale", ["60 mm", "60 um"])
def test_targets_that_see_farther_than_memory_could_hold(checked, labels, scale):
    (message,) = messages(checked(DistanceTaskConfig(scale_factor=scale, **DISTANCES), labels))
    for said in ("dataset 'left'", "scale_factor", "nm", "memory"):
        assert said in message


def test_descriptors_of_a_gaussian_that_is_larger_than_memory(checked, labels):
    task = AffinitiesTaskConfig(neighborhood=[(0, 1), (1, 0)], lsds=True, num_lsd_voxels=10_000)
    (message,) = messages(checked(task, labels))
    assert "num_lsd_voxels" in message


@pytest.mark.parametrize("task", [OneHotTaskConfig, HotDistanceTaskConfig])
def test_a_kernel_that_is_larger_than_the_features(checked, labels, task):
    more = {"classes": ("background", "blob")} if task is OneHotTaskConfig else DISTANCES
    (message,) = messages(checked(task(kernel_size=99, **more), labels))
    assert message.startswith("task_config: kernel_size 99 is larger than the")
    largest = int(message.split("; give ")[1].split()[0])
    assert largest % 2
    assert not checked(task(kernel_size=largest, **more), labels).problems
    (message,) = messages(checked(task(kernel_size=largest + 2, **more), labels))
    assert "kernel_size" in message


@pytest.mark.parametrize("task", [DistanceTaskConfig, InnerDistanceTaskConfig, HotDistanceTaskConfig])
def test_distances_that_saturate_at_the_second_voxel(checked, labels, task):
    report = checked(task(**DISTANCES), labels)
    assert not report.problems
    (warning,) = report.warnings
    for said in ("dataset 'left'", "scale_factor 1", "(4, 4)", "40 nm"):
        assert said in warning
    assert not checked(task(scale_factor="20 nm", **DISTANCES), labels).warnings
    # a batch of one class is normal
    assert not checked(task(scale_factor="20 nm", **DISTANCES), np.zeros_like(labels)).warnings


def test_offsets_that_lead_out_of_the_image(checked, labels):
    neighborhood = [(0, 1), (1, 0), (0, SIZE)]
    report = checked(AffinitiesTaskConfig(neighborhood=neighborhood), labels)
    assert not report.problems
    (warning,) = report.warnings
    assert "dataset 'left'" in warning
    assert f"aff_0.{SIZE} " in warning
    assert "aff_0.1 " not in warning
    assert not checked(AffinitiesTaskConfig(neighborhood=neighborhood[:2]), labels).warnings


def test_a_mask_that_leaves_nothing(checked, labels):
    report = checked(ONE_HOT, labels, np.zeros_like(labels))
    assert not report.problems
    (warning,) = report.warnings
    assert "dataset 'left'" in warning
    assert "mask" in warning
