import pickle

import numpy as np
import pytest
import torch
from funlib.geometry import Roi

from dalsegno.components import component_names, config_class
from dalsegno.errors import ConfigError
from dalsegno.experiments.architectures.dummy_architecture import DummyArchitecture, DummyArchitectureConfig
from dalsegno.experiments.tasks.affinities_task import AffinitiesTaskConfig
from dalsegno.experiments.tasks.distance_task import DistanceTask, DistanceTaskConfig
from dalsegno.experiments.tasks.dummy_task import DummyTaskConfig
from dalsegno.experiments.tasks.hot_distance_task import HotDistanceTaskConfig
from dalsegno.experiments.tasks.inner_distance_task import InnerDistanceTaskConfig
from dalsegno.experiments.tasks.one_hot_task import OneHotTask, OneHotTaskConfig
from dalsegno.store.converter import structure, unstructure

DISTANCE = {"channels": ["a", "b"], "clip_distance": "40 nm", "tol_distance": 8}
SHARED = {"clip_distance": 40, "tol_distance": 8, "scale_factor": 16}
NEIGHBORHOOD = [(0, 0, 1), (0, 1, 0), (-1, 0, 0), (0, 0, -3), (0, 3, 0), (2, 0, 0)]
TASKS = [
    DistanceTaskConfig(channels=["a"], **SHARED),
    InnerDistanceTaskConfig(channels=["a"], **SHARED),
    HotDistanceTaskConfig(channels=["a"], kernel_size=1, dice_weight=0.5, **SHARED),
    HotDistanceTaskConfig(channels=["a"], kernel_size=1, segment_by="hot", **SHARED),
    OneHotTaskConfig(classes=["out", "in"], kernel_size=1, dice_weight=0.5, tversky_beta=0.7),
    AffinitiesTaskConfig(neighborhood=NEIGHBORHOOD[:3]),
    AffinitiesTaskConfig(neighborhood=NEIGHBORHOOD[:3], lsds=True, num_lsd_voxels=2, dice_weight=0.5),
]


def test_tasks_are_found_by_name():
    named = {
        "AffinitiesTask",
        "DistanceTask",
        "DummyTask",
        "HotDistanceTask",
        "InnerDistanceTask",
        "OneHotTask",
        "PretrainedTask",
    }
    assert named <= set(component_names("task"))
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
        ("tol_distance", "41 nm"),
        ("tol_distance", "0.041 um"),
        ("criteria", ["dice", "dice"]),
        ("criteria", []),
    ],
)
def test_values_out_of_bounds_are_named(field, value):
    with pytest.raises(ConfigError) as caught:
        DistanceTaskConfig(**DISTANCE | {field: value})
    (problem,) = caught.value.problems
    assert problem.path[0] in (field, "clipmin")


@pytest.mark.parametrize(
    ("clip", "tolerance"), [(40, 40), (40, "50 nm"), ("40 nm", 50), ("4 nm", "5 px"), ("1 um", "9 nm")]
)
def test_lengths_are_compared_where_they_can_be(clip, tolerance):
    assert DistanceTaskConfig(**DISTANCE | {"clip_distance": clip, "tol_distance": tolerance}).tol_distance == tolerance


@pytest.mark.parametrize(("clip", "tolerance"), [(40, 41), ("40", 41), ("4 voxels", "5 px"), ("1 nm", "11 angstrom")])
def test_no_tolerance_is_above_what_is_clipped(clip, tolerance):
    for given in (
        lambda: InnerDistanceTaskConfig(channels=["a"], clip_distance=clip, tol_distance=tolerance),
        lambda: OneHotTaskConfig(classes=["a"], clip_distance=clip, tol_distance=tolerance),
    ):
        with pytest.raises(ConfigError, match=r"tol_distance.*must not be above clip_distance"):
            given()


@pytest.mark.parametrize(("field", "value"), [("classes", []), ("kernel_size", 2), ("dice_weight", -1)])
def test_one_hot_values_out_of_bounds_are_named(field, value):
    with pytest.raises(ConfigError, match=field):
        OneHotTaskConfig(**{"classes": ["a", "b"], field: value})


def test_lengths_may_be_in_voxels():
    assert DistanceTaskConfig(**DISTANCE | {"tol_distance": "2 voxels"}).tol_distance == "2 voxels"


@pytest.mark.parametrize(
    ("config", "given", "field"),
    [
        (HotDistanceTaskConfig, DISTANCE | {"segment_by": "distances"}, "segment_by"),
        (HotDistanceTaskConfig, DISTANCE | {"segment_by": "hot", "thresholds": [-0.1]}, "thresholds"),
        (HotDistanceTaskConfig, DISTANCE | {"thresholds": [1.5]}, "thresholds"),
        (HotDistanceTaskConfig, DISTANCE | {"thresholds": []}, "thresholds"),
        (HotDistanceTaskConfig, DISTANCE | {"kernel_size": 4}, "kernel_size"),
        (HotDistanceTaskConfig, DISTANCE | {"tversky_beta": 1.1}, "tversky_beta"),
        (HotDistanceTaskConfig, DISTANCE | {"clip_distance": -1}, "clip_distance"),
        (InnerDistanceTaskConfig, DISTANCE | {"thresholds": [0.0]}, "thresholds"),
        (InnerDistanceTaskConfig, DISTANCE | {"channels": ["a", "a"]}, "channels"),
    ],
)
def test_what_does_not_fit_a_task_is_named(config, given, field):
    with pytest.raises(ConfigError) as caught:
        config(**given)
    assert [problem.path[0] for problem in caught.value.problems] == [field]


@pytest.mark.parametrize(
    ("given", "field", "message"),
    [
        ({"neighborhood": []}, "neighborhood", "needs one or more offsets"),
        ({"neighborhood": [(0, 1), (0, 0, 1)]}, "neighborhood", "one per axis"),
        ({"neighborhood": [(1,)]}, "neighborhood", "one per axis"),
        ({"neighborhood": [(0, 1), (1, 0), (0, 1)]}, "neighborhood", r"\[\(0, 1\)\] several times"),
        ({"neighborhood": [(0, 1), (0, 0)]}, "neighborhood", "with itself"),
        ({"context": (16, 16)}, "context", "has 2 numbers, the offsets have 3"),
        ({"context": (16, -1, 16)}, "context", "0 or above"),
        ({"context": []}, "context", "one per axis, got"),
        ({"sigmas": [1.0, 101.0]}, "sigmas", "100 voxels or less"),
        ({"biases": []}, "biases", "one or more"),
        ({"biases": [0.5, 0.5]}, "biases", "different"),
        ({"biases": [0.5, 1.0]}, "biases", "between 0 and 1"),
        ({"sigmas": []}, "sigmas", "one or more"),
        ({"sigmas": [-1.0]}, "sigmas", "0 or above"),
        ({"min_sizes": []}, "min_sizes", "one or more"),
        ({"min_sizes": [-5]}, "min_sizes", "0 or above"),
        ({"affs_weight_clipmin": 0.96}, "affs_weight_clipmin", "affs_weight_clipmax"),
        ({"lsd_weight_clipmax": 1.5}, "lsd_weight_clipmin", "lsd_weight_clipmax"),
        ({"num_lsd_voxels": 0}, "num_lsd_voxels", "above 0"),
        ({"downsample_lsds": 0}, "downsample_lsds", "above 0"),
        ({"lsds_to_affs_weight_ratio": -1}, "lsds_to_affs_weight_ratio", "0 or above"),
    ],
)
def test_affinities_that_could_not_be_learned_are_named(given, field, message):
    with pytest.raises(ConfigError, match=message) as caught:
        AffinitiesTaskConfig(**{"neighborhood": NEIGHBORHOOD} | given)
    assert [problem.path[0] for problem in caught.value.problems] == [field]


def test_affinities_have_the_grid_that_is_written_down():
    task = AffinitiesTaskConfig(neighborhood=NEIGHBORHOOD, biases=[0.3, 0.6], min_sizes=[0, 9])
    settings = [setting.as_dict() for setting in task.task_type(task).parameters]
    assert [(setting["bias"], setting["min_size"]) for setting in settings] == [(0.3, 0), (0.3, 9), (0.6, 0), (0.6, 9)]
    default = AffinitiesTaskConfig(neighborhood=[(0, 1), (1, 0)])
    settings = [setting.as_dict() for setting in default.task_type(default).parameters]
    assert [setting["bias"] for setting in settings] == [0.1, 0.25, 0.5, 0.75, 0.9]
    assert {tuple(setting["context"]) for setting in settings} == {(32, 32)}


def test_sections_are_described_one_by_one_where_no_offset_leaves_them():
    flat = AffinitiesTaskConfig(neighborhood=[(0, 0, 1), (0, 1, 0)], lsds=True)
    assert len(flat.task_type(flat).channels) == 2 + 6
    deep = AffinitiesTaskConfig(neighborhood=[(0, 0, 1), (1, 0, 0)], lsds=True)
    assert len(deep.task_type(deep).channels) == 2 + 10
    section = AffinitiesTaskConfig(neighborhood=[(0, 1), (1, 0)], lsds=True)
    assert len(section.task_type(section).channels) == 2 + 6


@pytest.mark.parametrize("config", TASKS)
def test_a_task_learns_to_segment(make_array, config):
    torch.manual_seed(0)
    task = config.task_type(config)
    labels = np.zeros((10, 10, 10), np.uint8)
    labels[4:8, 3:7, 2:8] = 1
    gt, annotated = make_array(np.pad(labels, 12)), make_array(np.pad(np.ones_like(labels), 12))
    roi = Roi((96, 96, 96), (80, 80, 80))
    target, mask = task.predictor.create_target(gt, annotated, roi)
    weight, _ = task.predictor.create_weight(target[None], mask[None], None)
    model = task.create_model(DummyArchitecture(DummyArchitectureConfig(num_in_channels=1, num_out_channels=12)))
    assert model.num_out_channels == len(task.channels)
    raw = torch.from_numpy(np.pad(labels, 1)[None, None].astype(np.float32))
    optimizer = torch.optim.Adam(model.parameters(), 0.03)
    for _ in range(100):
        optimizer.zero_grad()
        loss = task.loss.compute(model(raw), torch.from_numpy(target)[None], torch.from_numpy(weight))
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        prediction = model.eval()(raw)[0].numpy()
    settings = list(task.parameters)
    outputs = list(task.post_processor.label_all(prediction, settings))
    scores = list(task.evaluator.sweep(outputs, make_array(labels)))
    assert len(scores) == len(settings)
    assert max(_overlap(output, labels) for output in outputs) > 0.75
    assert all(score.criteria == task.evaluation_scores.criteria for score in scores)


def test_a_dummy_goes_through_everything_and_is_never_valid(make_array):
    config = DummyTaskConfig(embedding_dims=3, detection_threshold=0.5)
    assert config.verify()[0] is False
    task = config.task_type(config)
    assert task.channels == ("e0", "e1", "e2")
    model = task.create_model(DummyArchitecture(DummyArchitectureConfig(num_in_channels=1, num_out_channels=12)))
    prediction = model(torch.ones(1, 1, 10, 10, 10))
    gt, everywhere = make_array(np.ones((8, 8, 8), np.uint8)), make_array(np.ones((8, 8, 8), np.uint8))
    target, mask = task.predictor.create_target(gt, everywhere, gt.roi)
    weight, counts = task.predictor.create_weight(target[None], mask[None], None)
    task.predictor.create_weight(target[None], mask[None], counts)
    loss = task.loss.compute(prediction, torch.from_numpy(target)[None], torch.from_numpy(weight))
    torch.testing.assert_close(loss, prediction.abs().mean())
    settings = list(task.parameters)
    outputs = task.post_processor.label_all(prediction[0].detach().numpy(), settings)
    assert len(list(task.evaluator.sweep(outputs, gt))) == len(settings) == 10


def _overlap(output, labels):
    """Return the F1 score of what is labelled."""
    found = np.squeeze(output) > 0
    return 2 * (found & (labels > 0)).sum() / (found.sum() + (labels > 0).sum())


@pytest.mark.parametrize("config", TASKS)
def test_fields_that_a_task_has_not_are_refused(config):
    assert config == structure(unstructure(config), type(config))
    with pytest.raises(ConfigError, match="offset"):
        structure(unstructure(config) | {"offset": 1}, type(config))


@pytest.mark.parametrize("config", TASKS)
def test_predictors_travel_to_other_processes(config):
    predictor = config.task_type(config).predictor
    assert pickle.loads(pickle.dumps(predictor)) == predictor
