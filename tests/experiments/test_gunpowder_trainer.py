"""Batches of the trainer, and training that goes on where it stopped."""

import random

import numpy as np
import pytest
import tifffile
import torch
import zarr
from upath import UPath

from dalsegno.arrays.file_array import FileArrayConfig
from dalsegno.config import evolve
from dalsegno.errors import DataError
from dalsegno.experiments.architectures.cnnectome_unet import CNNectomeUNetConfig
from dalsegno.experiments.datasets.raw_gt_dataset import RawGTDatasetConfig
from dalsegno.experiments.datasplits.train_validate_datasplit import TrainValidateDataSplitConfig
from dalsegno.experiments.run import Run, RunConfig
from dalsegno.experiments.tasks.distance_task import DistanceTaskConfig
from dalsegno.experiments.tasks.one_hot_task import OneHotTaskConfig
from dalsegno.experiments.trainers.augments.elastic_augment import ElasticAugmentConfig
from dalsegno.experiments.trainers.augments.simple_augment import SimpleAugmentConfig
from dalsegno.experiments.trainers.gunpowder_trainer import GunpowderTrainerConfig
from dalsegno.store.array_store import LocalContainerIdentifier


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def image(tmp_path):
    """Blobs, and a raw image that is their outline exactly: what is augmented alike stays alike."""
    y, x = np.mgrid[:96, :96]
    labels = (np.sin(y / 7) + np.cos(x / 9 + y / 31) > 0.3).astype(np.uint16)
    tifffile.imwrite(tmp_path / "raw.tif", (labels * 255).astype(np.uint8))
    tifffile.imwrite(tmp_path / "gt.tif", labels)
    return tmp_path


def dataset(folder, raw=None, gt=None, **changes):
    place = {"voxel_size": (20, 10), "offset": (5, 130), "units": "nm", "axes": ("y", "x")}
    return RawGTDatasetConfig(
        name="blobs",
        raw_config=FileArrayConfig(file_name=folder / "raw.tif", **place | (raw or {})),
        gt_config=FileArrayConfig(file_name=folder / "gt.tif", **place | (gt or {})),
        **changes,
    )


def experiment(*datasets, architecture=None, **trainer):
    given = {"batch_size": 2, "learning_rate": 1e-3, "num_data_fetchers": 0, "warmup_iterations": 3}
    network = {
        "input_shape": (32, 32),
        "fmaps_in": 1,
        "fmaps_out": 4,
        "num_fmaps": 4,
        "fmap_inc_factor": 2,
        "downsample_factors": [(2, 2)],
    }
    return RunConfig(
        name="blobs",
        architecture_config=CNNectomeUNetConfig(**network | (architecture or {})),
        task_config=DistanceTaskConfig(channels=("blob",), clip_distance=50, tol_distance=10, scale_factor="40 nm"),
        trainer_config=GunpowderTrainerConfig(**given | trainer),
        datasplit_config=TrainValidateDataSplitConfig(train_configs=datasets),
        num_iterations=8,
    )


def ready(config, **more):
    run = Run(config)
    run.trainer.build_batch_provider(run.datasplit.train, run.model, run.task, **more)
    return run


def losses(run, count):
    steps = run.trainer.iterate(count, run.model, run.optimizer, torch.device("cpu"))
    return [step.loss for step in steps]


AUGMENTS = (
    SimpleAugmentConfig(),
    ElasticAugmentConfig(
        control_point_spacing=(8, 8), control_point_displacement_sigma=("20 nm", 20), rotation_interval=(0, 6)
    ),
)


def test_raw_and_target_stay_together_through_augments(image):
    run = ready(experiment(dataset(image), augments=AUGMENTS))
    for _ in range(5):
        batch = run.trainer.next()
        margin = (batch.raw.shape[-1] - batch.target.shape[-1]) // 2
        inside = (batch.raw > 0.5)[..., margin:-margin, margin:-margin]
        known = batch.mask > 0
        agreement = (inside == (batch.target > 0))[known].float().mean()
        assert agreement > 0.97
        run.trainer.iteration += 1


def test_batches_do_not_depend_on_the_number_of_workers(image):
    alone = ready(experiment(dataset(image), augments=AUGMENTS)).trainer
    helped = ready(experiment(dataset(image), augments=AUGMENTS, num_data_fetchers=1)).trainer
    for _ in range(3):
        first, second = alone.next(), helped.next()
        for name in ("raw", "target", "mask"):
            torch.testing.assert_close(getattr(first, name), getattr(second, name), rtol=0, atol=0)


def test_training_goes_on_bit_for_bit(image):
    config = experiment(dataset(image), augments=AUGMENTS)
    whole = ready(config)
    expected = losses(whole, 8)
    first = ready(config)
    begun = losses(first, 5)
    second = ready(config)
    second.model.load_state_dict(first.model.state_dict())
    second.optimizer.load_state_dict(first.optimizer.state_dict())
    second.trainer.load_state_dict(first.trainer.state_dict())
    assert begun + losses(second, 3) == expected
    for ours, theirs in zip(second.model.parameters(), whole.model.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_the_seed_decides(image):
    config = experiment(dataset(image))
    assert losses(ready(config), 2) == losses(ready(config), 2)
    assert losses(ready(config), 2) != losses(ready(evolve(config, repetition=1)), 2)
    assert losses(ready(evolve(config, seed=1)), 2) == losses(ready(evolve(config, repetition=1)), 2)


def test_global_generators_are_left_alone(image):
    def draw():
        return random.random(), np.random.random()  # noqa: NPY002 - gunpowder seeds this generator

    states = random.getstate(), np.random.get_state()  # noqa: NPY002
    expected = draw()
    random.setstate(states[0])
    np.random.set_state(states[1])  # noqa: NPY002
    ready(experiment(dataset(image), augments=AUGMENTS)).trainer.next()
    assert draw() == expected


def test_labels_may_be_finer_than_raw(image):
    raw = tifffile.imread(image / "raw.tif")
    tifffile.imwrite(image / "raw.tif", np.ascontiguousarray(raw[::2, ::2]))
    config = dataset(image, raw={"voxel_size": (40, 20)})
    run = ready(experiment(config, architecture={"upsample_factors": [(2, 2)], "input_shape": (32, 32)}))
    batch = run.trainer.next()
    assert batch.target.shape[-2:] == tuple(run.model.output_shape)
    assert len(losses(run, 1)) == 1


def test_labels_on_another_grid_than_the_prediction_are_refused(image):
    raw = tifffile.imread(image / "raw.tif")
    tifffile.imwrite(image / "raw.tif", np.ascontiguousarray(raw[::2, ::2]))
    with pytest.raises(DataError, match="upsample_factors"):
        losses(ready(experiment(dataset(image, raw={"voxel_size": (40, 20)}))), 1)


def test_voxels_outside_the_mask_have_no_loss(image):
    mask = np.zeros((96, 96), np.uint8)
    mask[:, :60] = 1
    tifffile.imwrite(image / "mask.tif", mask)
    place = {"voxel_size": (20, 10), "offset": (5, 130), "units": "nm", "axes": ("y", "x")}
    masked = dataset(image, mask_config=FileArrayConfig(file_name=image / "mask.tif", **place))
    run = ready(experiment(masked, min_masked=0.5))
    for _ in range(8):
        batch = run.trainer.next()
        for sample in batch.samples:
            columns = (np.arange(sample.mask.shape[-1]) + (sample.roi.begin[1] - 130) // 10) < 60
            assert columns.mean() >= 0.5
            assert not sample.mask[..., ~columns].any()
        run.trainer.iteration += 1


def test_weights_belong_to_their_own_sample(image):
    run = ready(experiment(dataset(image)))
    batch = run.trainer.next()
    mask = batch.mask.numpy().copy()
    mask[1] = 0
    weight, _ = run.task.predictor.create_weight(batch.target.numpy(), mask, None)
    assert weight.shape == batch.target.shape
    assert weight[0].any()
    assert not weight[1].any()


def test_snapshots_hold_the_whole_batch(image, tmp_path):
    container = LocalContainerIdentifier(UPath(tmp_path / "snapshot.zarr"))
    run = ready(experiment(dataset(image), snapshot_interval=2), snapshot_container=container)
    losses(run, 3)
    stored = zarr.open_group(str(tmp_path / "snapshot.zarr"), mode="r")
    assert sorted(stored.group_keys()) == ["0", "2"]
    volumes = {name: array.shape for name, array in stored["2/volumes"].arrays()}
    assert set(volumes) == {"raw", "gt", "target", "weight", "mask", "prediction"}
    assert volumes["prediction"] == volumes["target"] == volumes["weight"]


def test_a_loss_that_is_no_number_is_an_error(image):
    run = ready(experiment(dataset(image), learning_rate=1e30))
    with pytest.raises(DataError, match="learning_rate"):
        losses(run, 8)


def test_labels_that_have_no_target_are_an_error_that_names_the_dataset(image):
    config = evolve(experiment(dataset(image)), task_config=OneHotTaskConfig(classes=("background",)))
    with pytest.raises(DataError, match=r"dataset 'blobs': .*labels \[1\]"):
        losses(ready(config), 1)
