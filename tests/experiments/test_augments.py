"""What augments do to samples, seen through a gunpowder pipeline."""

import numpy as np
import pytest
from funlib.geometry import Coordinate, Roi

from dalsegno.errors import ConfigError
from dalsegno.experiments.trainers._gunpowder import gp
from dalsegno.experiments.trainers.augments.elastic_augment import ElasticAugmentConfig
from dalsegno.experiments.trainers.augments.gamma_augment import GammaAugmentConfig
from dalsegno.experiments.trainers.augments.intensity_augment import IntensityAugmentConfig
from dalsegno.experiments.trainers.augments.intensity_scale_shift_augment import IntensityScaleShiftAugmentConfig
from dalsegno.experiments.trainers.augments.simple_augment import SimpleAugmentConfig

RAW, GT, MASK = gp.ArrayKey("RAW"), gp.ArrayKey("GT"), gp.ArrayKey("MASK")


class Volume(gp.BatchProvider):
    """Endless arrays whose values are functions of world coordinates."""

    def __init__(self, raw_size, gt_size, function):
        self.sizes = {RAW: Coordinate(raw_size), GT: Coordinate(gt_size)}
        self.function = function

    def setup(self):
        for key, size in self.sizes.items():
            everywhere = Roi((None,) * size.dims, (None,) * size.dims)
            self.provides(key, gp.ArraySpec(roi=everywhere, voxel_size=size, interpolatable=key == RAW))

    def provide(self, request):
        batch = gp.Batch()
        for key, spec in request.array_specs.items():
            size = self.sizes[key]
            centres = [
                begin + (np.arange(count) + 0.5) * step
                for begin, count, step in zip(spec.roi.begin, spec.roi.shape / size, size, strict=True)
            ]
            values = self.function(*np.meshgrid(*centres, indexing="ij"))
            dtype = np.float32 if key == RAW else np.uint64
            full = gp.ArraySpec(roi=spec.roi, voxel_size=size, interpolatable=key == RAW)
            batch[key] = gp.Array(values.astype(dtype), full)
        return batch


def augmented(augment, source, roi, seed, gt_roi=None):
    pipeline = source + augment.node(RAW, GT, MASK)
    request = gp.BatchRequest(random_seed=seed)
    request[RAW] = gp.ArraySpec(roi=roi)
    if gt_roi is not None:
        request[GT] = gp.ArraySpec(roi=gt_roi)
    with gp.build(pipeline):
        batch = pipeline.request_batch(request)
    return batch[RAW].data, batch[GT].data if gt_roi is not None else None


def test_mirrored_batches_reach_torch_and_all_orientations_occur():
    import torch

    # value = position: tells the orientation apart
    source = Volume((1, 1), (1, 1), lambda y, x: y * 100 + x)
    roi = Roi((0, 0), (4, 4))
    seen = set()
    for seed in range(200):
        raw, _ = augmented(SimpleAugmentConfig(), source, roi, seed)
        torch.from_numpy(raw)
        down, right = np.sign([raw[1, 0] - raw[0, 0], raw[0, 1] - raw[0, 0]]).astype(int).tolist()
        seen.add((down, right, bool(abs(raw[1, 0] - raw[0, 0]) > 50)))
    assert len(seen) == 8


def test_axes_of_different_voxel_size_are_never_transposed():
    source = Volume((5, 1, 1), (5, 1, 1), lambda z, y, x: z)
    for seed in range(40):
        raw, gt = augmented(SimpleAugmentConfig(), source, Roi((0, 0, 0), (20, 4, 4)), seed, Roi((5, 1, 1), (10, 2, 2)))
        assert raw.shape == (4, 4, 4)
        assert np.ptp(raw[0]) == 0
        assert gt.shape == (2, 2, 2)


def test_gamma_changes_the_sample_within_its_range():
    source = Volume((1,), (1,), lambda x: x / 64)
    plain, _ = augmented(IntensityScaleShiftAugmentConfig(scale=1, shift=0), source, Roi((0,), (64,)), 0)
    changed, _ = augmented(GammaAugmentConfig(gamma_range=(2, 2)), source, Roi((0,), (64,)), 0)
    low, high = plain.min(), plain.max()
    np.testing.assert_allclose(changed, ((plain - low) / (high - low)) ** 2 * (high - low) + low, rtol=1e-5)


def test_intensities_are_scaled_around_their_mean_and_clipped():
    source = Volume((1,), (1,), lambda x: x / 64)
    config = IntensityAugmentConfig(scale=(2, 2), shift=(0.1, 0.1))
    changed, _ = augmented(config, source, Roi((0,), (64,)), 0)
    plain = (np.arange(64) + 0.5) / 64
    np.testing.assert_allclose(changed, np.clip(0.5 + (plain - 0.5) * 2 + 0.1, 0, 1), atol=1e-6)


def elastic(**changes):
    given = {
        "control_point_spacing": (8, 8),
        "control_point_displacement_sigma": (0, 0),
        "rotation_interval": (0, 0),
    }
    return ElasticAugmentConfig(**given | changes)


def test_no_deformation_changes_nothing():
    source = Volume((4, 2), (2, 2), lambda y, x: y * 10 + x)
    raw, gt = augmented(elastic(), source, Roi((0, 0), (40, 20)), 1, Roi((8, 4), (8, 4)))
    expected, labels = augmented(
        IntensityScaleShiftAugmentConfig(scale=1, shift=0), source, Roi((0, 0), (40, 20)), 1, Roi((8, 4), (8, 4))
    )
    np.testing.assert_allclose(raw, expected, atol=1e-3)
    np.testing.assert_array_equal(gt, labels)


def test_rotation_is_exact_in_world_units_for_anisotropic_voxels():
    # a linear function is interpolated exactly: rotated by 90 degrees, y takes the place of x
    source = Volume((4, 2), (4, 2), lambda y, x: y)
    roi = Roi((0, 0), (40, 40))
    raw, _ = augmented(elastic(rotation_interval=(np.pi / 2, np.pi / 2)), source, roi, 0)
    centres = 20 + (np.arange(20) * 2 + 1 - 20)
    assert np.ptp(raw, axis=0).max() < 1e-3
    assert np.allclose(raw[0], 40 - centres, atol=1e-3) or np.allclose(raw[0], centres, atol=1e-3)


def test_raw_and_labels_of_different_voxel_size_are_deformed_alike():
    source = Volume((2, 2), (1, 1), lambda y, x: y + 1000)
    config = elastic(control_point_displacement_sigma=(3, 3), rotation_interval=(0, 1))
    for seed in range(5):
        raw, gt = augmented(config, source, Roi((0, 0), (40, 40)), seed, Roi((0, 0), (40, 40)))
        coarse = gt.astype(float).reshape(20, 2, 20, 2).mean((1, 3)) + 0.5
        assert np.abs(coarse - raw).max() < 1.5
        assert np.ptp(raw - 1000 - (np.arange(20) * 2 + 1)[:, None]) > 1


def test_an_axis_without_displacement_needs_no_neighbours():
    requested = []

    def remember(z, y, x):
        requested.append(z.shape[0])
        return y

    config = ElasticAugmentConfig(
        control_point_spacing=(1, 8, 8),
        control_point_displacement_sigma=(0, 2, 2),
        rotation_interval=(0, 1.5),
        subsample=4,
    )
    raw, _ = augmented(config, Volume((50, 1, 1), (50, 1, 1), remember), Roi((100, 0, 0), (50, 32, 32)), 0)
    assert raw.shape == (1, 32, 32)
    assert requested == [1]


def test_augments_are_functions_of_the_request_seed():
    source = Volume((1, 1), (1, 1), lambda y, x: np.sin(y) + x)
    config = elastic(control_point_displacement_sigma=(2, 2), rotation_interval=(0, 6))
    first, again, other = (augmented(config, source, Roi((0, 0), (16, 16)), seed)[0] for seed in (5, 5, 6))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"control_point_displacement_sigma": (1,)}, "spatial axis"),
        ({"control_point_displacement_sigma": (1, "-2 nm")}, "negative"),
        ({"uniform_3d_rotation": True}, "3 spatial axes"),
        ({"subsample": 0}, "above 0"),
        ({"augmentation_probability": 2}, "probability"),
    ],
)
def test_senseless_settings_are_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        elastic(**changes)
