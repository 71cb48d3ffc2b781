"""Masks of datasets, with channels and without, up to the samples that each task trains on."""

import numpy as np
import pytest
import zarr
from funlib.geometry import Coordinate

from dalsegno.arrays.binarize_array import BinarizeArrayConfig
from dalsegno.arrays.logical_or_array import LogicalOrArrayConfig
from dalsegno.arrays.missing_annotations_mask import MissingAnnotationsMaskConfig
from dalsegno.arrays.zarr_array import ZarrArrayConfig
from dalsegno.experiments.datasets.raw_gt_dataset import RawGTDatasetConfig
from dalsegno.experiments.tasks.predictors.affinities_predictor import AffinitiesPredictor
from dalsegno.experiments.tasks.predictors.distance_predictor import DistancePredictor
from dalsegno.experiments.tasks.predictors.hot_distance_predictor import HotDistancePredictor
from dalsegno.experiments.tasks.predictors.inner_distance_predictor import InnerDistancePredictor
from dalsegno.experiments.tasks.predictors.one_hot_predictor import OneHotPredictor
from dalsegno.experiments.trainers.gunpowder_samples import GunpowderSamples, PatchShape

LABELS = np.random.default_rng(0).integers(0, 4, (12, 6, 6)).repeat(4, axis=1).repeat(4, axis=2).astype(np.uint8)
GROUPINGS = (("a", (1,)), ("b", (2, 3)))
STATES = [
    {"value": value, "annotationState": {"present": True, "annotated": annotated}}
    for value, annotated in ((1, True), (2, True), (3, False))
]
NAMES = ("a", "b")
SHAPE = Coordinate(6, 16, 16)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    path = tmp_path_factory.mktemp("annotated") / "labels.zarr"
    frame = {"axes": ["z", "y", "x"], "voxel_size": [8, 4, 4], "offset": [80, 0, 0], "units": "nm"}
    zarr.create_array(path, data=LABELS, attributes=frame | {"labels": STATES})
    return ZarrArrayConfig(file_name=path, dataset="")


@pytest.fixture(scope="module")
def drawn(source):
    """Draws samples of a predictor, each with what lies under it."""

    def draw(predictor, gt, mask):
        config = RawGTDatasetConfig(name="cell", raw_config=source, gt_config=gt, mask_config=mask)
        dataset = config.dataset_type(config)
        samples = GunpowderSamples([dataset], predictor, PatchShape(SHAPE, SHAPE, Coordinate(1, 1, 1)), (), seed=3)
        for index in range(4):
            sample = samples.draw(index)
            assert sample.target.shape == sample.mask.shape == (len(predictor.channels), *SHAPE)
            begin = (sample.roi.begin - Coordinate(80, 0, 0)) / Coordinate(8, 4, 4)
            place = tuple(slice(b, b + n) for b, n in zip(begin, SHAPE, strict=True))
            weight, _ = predictor.create_weight(sample.target[None], sample.mask[None], None)
            assert not weight[0][sample.mask == 0].any()
            yield sample, LABELS[place]

    return draw


@pytest.fixture(scope="module")
def missing(source):
    return MissingAnnotationsMaskConfig(source_array_config=source, groupings=GROUPINGS)


@pytest.fixture(scope="module")
def classes(source):
    return BinarizeArrayConfig(source_array_config=source, groupings=GROUPINGS)


@pytest.mark.parametrize(
    "predictor",
    [
        DistancePredictor(NAMES, 20, mask_distances=False),
        InnerDistancePredictor(NAMES, 20, mask_distances=False),
        HotDistancePredictor(DistancePredictor(NAMES, 20, mask_distances=False)),
    ],
)
def test_a_class_that_is_not_annotated_does_not_keep_the_others_from_being_learned(drawn, classes, missing, predictor):
    for sample, labels in drawn(predictor, classes, missing):
        for channel, name in enumerate(predictor.channels):
            known = labels > 0 if name.startswith("a") else np.zeros_like(labels)
            np.testing.assert_array_equal(sample.mask[channel], known)
            found = (sample.target[channel] > 0)[known > 0]
            np.testing.assert_array_equal(found, (labels == 1)[known > 0])


def test_a_mask_without_channels_counts_for_all(drawn, classes, missing):
    predictor = DistancePredictor(NAMES, 20, mask_distances=False)
    for sample, labels in drawn(predictor, classes, LogicalOrArrayConfig(source_array_config=missing)):
        np.testing.assert_array_equal(sample.mask, np.stack([labels > 0] * 2))


def test_classes_that_exclude_each_other_are_known_where_all_are(drawn, classes, missing):
    predictor = OneHotPredictor(NAMES, kernel_size=1)
    for sample, _ in drawn(predictor, classes, missing):
        assert not sample.mask.any()
    annotated = LogicalOrArrayConfig(source_array_config=missing)
    for sample, labels in drawn(predictor, classes, annotated):
        np.testing.assert_array_equal(sample.mask, np.stack([labels > 0] * 2))
        np.testing.assert_array_equal(sample.target[1][labels > 0], (labels > 1)[labels > 0])


def test_affinities_are_known_where_both_ends_are_annotated(drawn, source, missing):
    predictor = AffinitiesPredictor((Coordinate(0, 0, 1),))
    annotated = LogicalOrArrayConfig(source_array_config=missing)
    for sample, labels in drawn(predictor, source, annotated):
        known = labels > 0
        np.testing.assert_array_equal(sample.mask[0, :, :, :-1], known[:, :, :-1] & known[:, :, 1:])
        same = labels[:, :, :-1] == labels[:, :, 1:]
        np.testing.assert_array_equal(sample.target[0, :, :, :-1], same & known[:, :, :-1])
