import numpy as np
import pytest
import tifffile
import torch

from dalsegno.arrays.file_array import FileArrayConfig
from dalsegno.engine.best import best_model
from dalsegno.engine.train import Finished, Stopped, train
from dalsegno.errors import ConfigError, DataError, StoreError
from dalsegno.experiments.architectures.cnnectome_unet import CNNectomeUNet, CNNectomeUNetConfig
from dalsegno.experiments.datasets.raw_gt_dataset import RawGTDatasetConfig
from dalsegno.experiments.datasplits.train_validate_datasplit import TrainValidateDataSplitConfig
from dalsegno.experiments.run import Run, RunConfig
from dalsegno.experiments.tasks.distance_task import DistanceTaskConfig
from dalsegno.experiments.tasks.one_hot_task import OneHotTaskConfig
from dalsegno.experiments.tasks.pretrained_task import PretrainedTask, PretrainedTaskConfig
from dalsegno.experiments.trainers.gunpowder_trainer import GunpowderTrainerConfig
from dalsegno.store.converter import structure, unstructure
from dalsegno.store.options import Options
from dalsegno.store.stores import open_stores

UNET = CNNectomeUNetConfig(
    input_shape=(16, 16),
    fmaps_in=1,
    fmaps_out=4,
    num_fmaps=4,
    fmap_inc_factor=2,
    downsample_factors=[(2, 2)],
    padding="same",
    batch_norm=True,
)
SUB_TASK = DistanceTaskConfig(channels=["a"], clip_distance=40, tol_distance=8)


def trained(task_config=SUB_TASK):
    torch.manual_seed(17)
    model = task_config.task_type(task_config).create_model(CNNectomeUNet(UNET))
    model(torch.randn(2, 1, 16, 16))  # normalisation layers have seen something
    return model


def pretrained(tmp_path, weights, sub_task=SUB_TASK):
    torch.save(weights, tmp_path / "weights.pt")
    return PretrainedTaskConfig(sub_task_config=sub_task, weights=tmp_path / "weights.pt")


def assert_same_weights(model, state):
    found = model.state_dict()
    assert set(found) == set(state)
    for name, tensor in state.items():
        torch.testing.assert_close(found[name], tensor, rtol=0, atol=0)


def test_a_pretrained_task_is_its_sub_task(tmp_path):
    config = pretrained(tmp_path, trained().state_dict())
    task, sub_task = config.task_type(config), SUB_TASK.task_type(SUB_TASK)
    assert isinstance(task, PretrainedTask)
    assert task.predictor == sub_task.predictor
    assert task.channels == sub_task.channels
    assert list(task.parameters) == list(sub_task.parameters)
    assert task.evaluator == sub_task.evaluator
    assert type(task.loss) is type(sub_task.loss)
    assert structure(unstructure(config), PretrainedTaskConfig) == config


def experiment(tmp_path, task_config):
    tifffile.imwrite(tmp_path / "image.tif", np.zeros((32, 32), np.uint8))
    image = FileArrayConfig(file_name=tmp_path / "image.tif", voxel_size=(4, 4), units="nm", axes=("y", "x"))
    dataset = RawGTDatasetConfig(name="image", raw_config=image, gt_config=image)
    return RunConfig(
        name="again",
        architecture_config=UNET,
        task_config=task_config,
        trainer_config=GunpowderTrainerConfig(batch_size=1, learning_rate=1e-3, num_data_fetchers=0),
        datasplit_config=TrainValidateDataSplitConfig(train_configs=[dataset], validate_configs=[]),
        num_iterations=2,
    )


def test_a_run_with_a_checkpoint_no_longer_needs_the_weights(tmp_path):
    config = experiment(tmp_path, pretrained(tmp_path, dict(trained().state_dict())))
    stores = open_stores(Options(store=tmp_path / "store"))
    asked = iter([True])
    events = list(train(config, stores, should_stop=lambda: next(asked, False)))
    assert events[-1] == Stopped(1)
    (tmp_path / "weights.pt").unlink()
    assert list(train(config, stores))[-1] == Finished(2)
    assert best_model(stores, "again", iteration=2).iteration == 2


@pytest.mark.parametrize("wrap", [dict, lambda state: {"model": state}])
def test_a_run_starts_from_exactly_the_weights(tmp_path, wrap):
    state = trained().state_dict()
    run = Run(experiment(tmp_path, pretrained(tmp_path, wrap(dict(state)))))
    assert_same_weights(run.model, state)
    assert all(parameter.requires_grad for parameter in run.model.parameters())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.pop("prediction_head.weight"), "lack: prediction_head.weight"),
        (lambda state: state.update(extra=torch.ones(1)), "hold besides: extra"),
        (
            lambda state: state.update({"prediction_head.bias": torch.ones(5)}),
            r"have other shapes: prediction_head.bias \(5,\) instead of \(1,\)",
        ),
    ],
)
def test_weights_of_another_network_are_refused(tmp_path, change, message):
    state = dict(trained().state_dict())
    change(state)
    config = pretrained(tmp_path, state)
    with pytest.raises(DataError, match=message):
        config.task_type(config).create_model(CNNectomeUNet(UNET))


def test_a_pretrained_task_is_not_pretrained_twice(tmp_path):
    inner = PretrainedTaskConfig(sub_task_config=SUB_TASK, weights=tmp_path / "inner.pt")
    with pytest.raises(ConfigError, match=r"inner\.pt") as caught:
        PretrainedTaskConfig(sub_task_config=inner, weights=tmp_path / "outer.pt")
    assert [problem.path for problem in caught.value.problems] == [("sub_task_config",)]


@pytest.mark.parametrize("place", ["https://me:secret@host/weights.pt", "s3://bucket/weights.pt?token=secret"])
def test_urls_of_weights_hold_no_credentials(place):
    with pytest.raises(ConfigError, match="environment variables") as caught:
        PretrainedTaskConfig(sub_task_config=SUB_TASK, weights=place)
    assert "secret" not in str(caught.value)


def test_many_differences_are_counted(tmp_path):
    state = {f"module.{name}": value for name, value in trained().state_dict().items()}
    config = pretrained(tmp_path, state)
    with pytest.raises(DataError, match=r"lack: .* and \d+ more; they hold besides: module\..* and \d+ more; give"):
        config.task_type(config).create_model(CNNectomeUNet(UNET))


def test_weights_of_another_task_are_refused(tmp_path):
    config = pretrained(tmp_path, trained(OneHotTaskConfig(classes=["a", "b"])).state_dict())
    with pytest.raises(DataError, match="prediction_head"):
        config.task_type(config).create_model(CNNectomeUNet(UNET))


def test_weights_that_are_not_there_are_named(tmp_path):
    config = PretrainedTaskConfig(sub_task_config=SUB_TASK, weights=tmp_path / "nowhere.pt")
    with pytest.raises(StoreError, match=r"nowhere\.pt"):
        config.task_type(config).create_model(CNNectomeUNet(UNET))
