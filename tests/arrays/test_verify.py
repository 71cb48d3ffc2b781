"""What `verify` says about arrays."""

import numpy as np
import pytest
import tifffile
from funlib.geometry import Roi

from dalsegno.arrays.concat_array import ConcatArrayConfig
from dalsegno.arrays.crop_array import CropArrayConfig
from dalsegno.arrays.file_array import FileArrayConfig
from dalsegno.arrays.merge_instances_array import MergeInstancesArrayConfig
from dalsegno.arrays.numpy_array import NumpyArrayConfig
from dalsegno.arrays.resampled_array import ResampledArrayConfig
from dalsegno.arrays.sum_array import SumArrayConfig
from dalsegno.arrays.threshold_array import ThresholdArrayConfig
from dalsegno.arrays.zarr_array import ZarrArrayConfig

DATA = np.random.default_rng(0).integers(0, 9, (6, 7, 9)).astype(np.uint8)


@pytest.fixture
def broken(tmp_path, stored):
    """Configs of arrays that can't be read, each with what is wrong."""
    (tmp_path / "text.tif").write_text("no image")
    damaged = stored(DATA)
    (chunk,) = (path for path in (damaged.file_name / "c").rglob("*") if path.is_file())
    chunk.write_bytes(b"nonsense")
    tifffile.imwrite(tmp_path / "axes.tif", DATA)
    return {
        "missing": (ZarrArrayConfig(file_name=tmp_path / "missing.zarr", dataset="raw"), "missing.zarr does not exist"),
        "unreadable": (FileArrayConfig(file_name=tmp_path / "text.tif"), "text.tif"),
        "damaged": (damaged, str(damaged.file_name)),
        "axes": (FileArrayConfig(file_name=tmp_path / "axes.tif", axes=["y", "x"]), "shape (6, 7, 9)"),
        "voxel size": (
            FileArrayConfig(file_name=tmp_path / "axes.tif", voxel_size=[4.6, 1, 1], units="nm"),
            "units: pm",
        ),
        "crop": (CropArrayConfig(source_array_config=stored(DATA), roi=Roi((0, 0, 0), (8, 4, 4))), "not inside"),
    }


def test_what_can_be_read_is_described(stored):
    config = CropArrayConfig(source_array_config=stored(DATA), roi=Roi((88, 4, 8), (16, 8, 12)))
    valid, text = config.verify()
    assert valid
    assert "CropArray(uint8" in text
    assert str(config.roi) in text


@pytest.mark.parametrize("what", ["missing", "unreadable", "damaged", "axes", "voxel size", "crop"])
def test_what_can_not_be_read_is_said_not_raised(broken, what):
    config, message = broken[what]
    valid, text = config.verify()
    assert not valid
    assert message in text
    for view in (
        ThresholdArrayConfig(source_array_config=config, threshold=1.0),
        NumpyArrayConfig(source_array_config=config),
    ):
        valid, text = view.verify()
        assert not valid
        assert text.startswith("source_array_config: ")
        assert message in text


def test_every_broken_source_is_named(broken, stored):
    configs = [config for config, _ in broken.values()]
    summed = SumArrayConfig(source_array_configs=[stored(DATA), *configs])
    merged = MergeInstancesArrayConfig(source_array_configs=[stored(DATA), *configs])
    for text in (summed.verify()[1], merged.verify()[1]):
        lines = text.splitlines()
        assert [line.partition(":")[0] for line in lines] == [f"source_array_configs[{at}]" for at in range(1, 7)]
        for line, (_, message) in zip(lines, broken.values(), strict=True):
            assert message in line
    joined = ConcatArrayConfig(
        channels=["a", "b", "c"],
        source_array_configs={"a": broken["missing"][0], "b": stored(DATA)},
        default_config=broken["axes"][0],
    )
    places = [line.partition(":")[0] for line in joined.verify()[1].splitlines()]
    assert places == ["source_array_configs.a", "default_config"]


def test_arrays_that_do_not_fit_each_other_are_named(stored):
    valid, text = SumArrayConfig(source_array_configs=[stored(DATA), stored(DATA[1:])]).verify()
    assert not valid
    assert "array 1 has roi" in text
    factors = {"upsample": [1, 1], "downsample": [2, 2], "interp_order": True}
    valid, text = ResampledArrayConfig(source_array_config=stored(DATA), **factors).verify()
    assert not valid
    assert "3 spatial axes" in text
