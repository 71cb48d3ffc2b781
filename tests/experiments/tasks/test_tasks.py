import pickle

import numpy as np
import pytest
import torch
from funlib.geometry import Roi

from dalsegno.components import component_names, config_class
from dalsegno.errors import ConfigError
from dalsegno.experiments.architectures.dummy_architecture import DummyArchitecture, DummyArchitectureConfig
from dalsegno.experiments.tasks.distance_task import DistanceTask, DistanceTaskConfig
from dalsegno.experiments.tasks.one_hot_task import OneHotTask, OneHotTaskConfig

DISTANCE = {"channels": ["a", "b"], "clip_distance": "40 nm", "tol_distance": 8}


def test_tasks_are_found_by_name():
    assert {"DistanceTask", "OneHotTask"} <= set(component_names("task"))
    assert config_class("DistanceTask", "task") is DistanceTaskConfig
    assert DistanceTaskConfig.task_type is DistanceTask
    assert OneHotTaskConfig.task_type is OneHotTask


def test_defaults():
    config = DistanceTaskConfig(**DISTANCE)
    assert (config.name, config.scale_factor, config.mask_distances, config.clipmin, config.clipmax) == (
        "",
        1,
        True,
        0.05,
        0.95,
    )
    assert len(config.thresholds) == 9
    assert OneHotTaskConfig(classes=["a", "b"]).kernel_size == 3
    assert config == DistanceTaskConfig(**DISTANCE)
    assert hash(config) == hash(DistanceTaskConfig(**DISTANCE))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("channels", []),
        ("channels", ["a", "a"]),
        ("channels", [""]),
        ("clip_distance", -1),
        ("clip_distance", "-40 nm"),
        ("tol_distance", 0),
        ("tol_distance", "forty"),
        ("tol_distance", "4 parsec"),
        ("scale_factor", 0),
        ("clipmin", 0),
        ("clipmin", 0.96),
        ("clipmax", 1.5),
        ("thresholds", []),
        ("thresholds", [0.1, 0.1]),
        ("thresholds", [127]),
    ],
)
def test_values_out_of_bounds_are_named(field, value):
    with pytest.raises(ConfigError) as caught:
        DistanceTaskConfig(**DISTANCE | {field: value})
    (problem,) = caught.value.problems
    assert problem.path[0] in (field, "clipmin")


@pytest.mark.parametrize(("field", "value"), [("classes", []), ("kernel_size", 2), ("dice_weight", -1)])
def test_one_hot_values_out_of_bounds_are_named(field, value):
    with pytest.raises(ConfigError, match=field):
        OneHotTaskConfig(**{"classes": ["a", "b"], field: value})


def test_lengths_may_be_in_voxels():
    assert DistanceTaskConfig(**DISTANCE | {"tol_distance": "2 voxels"}).tol_distance == "2 voxels"


@pytest.mark.parametrize(
    ("config", "num_channels"),
    [
        (DistanceTaskConfig(channels=["a"], clip_distance=40, tol_distance=8, scale_factor=16), 1),
        (OneHotTaskConfig(classes=["out", "in"], kernel_size=1, dice_weight=0.5), 2),
    ],
)
def test_a_task_learns_to_segment(make_array, config, num_channels):
    torch.manual_seed(0)
    task = config.task_type(config)
    labels = np.zeros((10, 10, 10), np.uint8)
    labels[4:8, 3:7, 2:8] = 1
    gt, annotated = make_array(np.pad(labels, 5)), make_array(np.pad(np.ones_like(labels), 5))
    roi = Roi((40, 40, 40), (80, 80, 80))
    target, mask = task.predictor.create_target(gt, annotated, roi)
    weight, _ = task.predictor.create_weight(target[None], mask[None], None)
    model = task.create_model(DummyArchitecture(DummyArchitectureConfig(num_in_channels=1, num_out_channels=4)))
    assert model.num_out_channels == len(task.channels) == num_channels
    raw = torch.from_numpy(np.pad(labels, 1)[None, None].astype(np.float32))
    optimizer = torch.optim.Adam(model.parameters(), 0.02)
    for _ in range(60):
        optimizer.zero_grad()
        loss = task.loss.compute(model(raw), torch.from_numpy(target)[None], torch.from_numpy(weight))
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        prediction = model.eval()(raw)[0].numpy()
    settings = list(task.parameters)
    outputs = [task.post_processor.label(prediction, setting) for setting in settings]
    scores = list(task.evaluator.sweep(outputs, make_array(labels)))
    assert len(scores) == len(settings)
    assert max(score.value("f1_score") for score in scores) > 0.8
    assert all(score.criteria == task.evaluation_scores.criteria for score in scores)


def test_predictors_travel_to_other_processes():
    for config in (DistanceTaskConfig(**DISTANCE), OneHotTaskConfig(classes=["a", "b"])):
        predictor = config.task_type(config).predictor
        assert pickle.loads(pickle.dumps(predictor)) == predictor
