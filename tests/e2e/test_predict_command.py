"""Prediction of other volumes: what is read, where it is written, and what is refused before any work."""

import json

import numpy as np
import pytest
import tifffile
import zarr
from funlib.geometry import Roi

from dalsegno.arrays.concat_array import ConcatArrayConfig
from dalsegno.arrays.crop_array import CropArrayConfig
from dalsegno.arrays.file_array import FileArrayConfig
from dalsegno.arrays.intensities_array import IntensitiesArrayConfig
from dalsegno.arrays.sum_array import SumArrayConfig
from dalsegno.engine.best import best_model, like_raw
from dalsegno.errors import DataError
from dalsegno.store.options import load_options
from dalsegno.store.stores import open_stores


@pytest.fixture
def trained(experiment, dalsegno):
    """A run with checkpoints and scores of iterations 2 and 4."""
    done = dalsegno("run", experiment, "--set", "num_iterations=4", "--set", "validation_interval=2")
    assert done.code == 0, done.err
    return experiment


@pytest.fixture
def unjudged(experiment, dalsegno):
    """A finished run without validation data."""
    short = ("--set", "num_iterations=4", "--set", "validation_interval=2")
    done = dalsegno("run", experiment, *short, "--set", "datasplit_config.validate_configs=[]")
    assert done.code == 0, done.err
    return experiment


def test_the_dtype_of_the_volume_does_not_change_its_labels(trained, dalsegno, data, tmp_path):
    raw = tifffile.imread(data / "train_raw.tif")
    same = {"eight": raw, "sixteen": raw.astype(np.uint16) * 257, "float": (raw / 255).astype(np.float32)}
    read = {}
    for name, values in same.items():
        tifffile.imwrite(tmp_path / f"{name}.tif", values)
        done = dalsegno("predict", "discs", "--input", tmp_path / f"{name}.tif", "--output", tmp_path / "out.zarr")
        assert done.code == 0, done.err
        read[name] = {
            kind: zarr.open_array(tmp_path / f"out.zarr/{name}/{kind}/s0")[:] for kind in ("prediction", "labels")
        }
    assert np.ptp(read["eight"]["prediction"]) > 0.01
    for name in ("sixteen", "float"):
        np.testing.assert_allclose(read[name]["prediction"], read["eight"]["prediction"], atol=1e-5)
        np.testing.assert_array_equal(read[name]["labels"], read["eight"]["labels"])

    tifffile.imwrite(tmp_path / "ids.tif", raw.astype(np.int32))
    refused = dalsegno("predict", "discs", "--input", tmp_path / "ids.tif")
    assert refused.code == 2
    assert "ids.tif: raw has dtype int32" in refused.err


def test_iterations_are_kept_apart_and_say_what_they_come_from(trained, dalsegno, tmp_path):
    container = tmp_path / "store/runs/discs/prediction.zarr"
    for iteration in (2, 4):
        done = dalsegno("predict", "discs", "--iteration", iteration, "--json")
        assert done.code == 0, done.err
        result = json.loads(done.out)
        assert result["written"] == [f"{container}/{iteration}/right/{kind}" for kind in ("prediction", "labels")]
        for path in result["written"]:
            attributes = dict(zarr.open_array(f"{path}/s0", mode="r").attrs)
            assert attributes["run"] == "discs"
            assert attributes["iteration"] == iteration
            assert attributes["parameters"] == result["parameters"]
            assert (attributes["criterion"], attributes["score"]) == ("f1_score", result["f1_score"])
            assert attributes["voxel_size"] == [10, 10]
    two, four = (zarr.open_array(container / f"{iteration}/right/prediction/s0")[:] for iteration in (2, 4))
    assert not np.array_equal(two, four)


def test_an_output_is_written_again_or_refused_before_the_work(trained, dalsegno, tmp_path):
    expected = [f"{tmp_path}/out.zarr/right/{kind}" for kind in ("prediction", "labels")]
    for _ in range(2):
        done = dalsegno("predict", "discs", "--output", tmp_path / "out.zarr", "--json")
        assert done.code == 0, done.err
        assert json.loads(done.out)["written"] == expected

    (tmp_path / "file.tif").write_bytes(b"mine")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/notes.txt").write_text("mine")
    zarr.create_array(tmp_path / "array.zarr", shape=(2,), dtype="u1")
    for place in ("file.tif", "file.tif/out.zarr", "/proc/nowhere/out.zarr", "folder", "array.zarr"):
        refused = dalsegno("predict", "discs", "--output", tmp_path / place)
        assert refused.code == 2
        assert refused.err.startswith("error:"), refused.err
        assert place in refused.err
    assert (tmp_path / "file.tif").read_bytes() == b"mine"
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["notes.txt"]


def test_a_run_without_validation_data_needs_an_iteration_and_a_volume(unjudged, dalsegno, data, tmp_path):
    refused = dalsegno("predict", "discs", "--input", data / "train_raw.tif")
    assert refused.code == 2
    assert "has no validation data" in refused.err
    assert "--iteration" in refused.err
    assert "[2, 4]" in refused.err

    refused = dalsegno("predict", "discs", "--iteration", 4)
    assert refused.code == 2
    assert "--input" in refused.err

    done = dalsegno("predict", "discs", "--iteration", 4, "--input", data / "train_raw.tif")
    assert done.code == 0, done.err
    assert "no score" in done.out
    written = zarr.open_array(tmp_path / "store/runs/discs/prediction.zarr/4/train_raw/labels/s0", mode="r")
    assert written.attrs["score"] is None
    assert written.attrs["parameters"]["threshold"] == -0.2


def test_an_iteration_without_a_score_takes_the_first_setting(trained, dalsegno, tmp_path):
    stores = open_stores(load_options(store=tmp_path / "store"))
    stores.stats.rewind("discs", 2)
    best = best_model(stores, "discs", "f1_score", 4)
    first = next(iter(best.run.task.post_processor.enumerate_parameters()))
    assert (best.iteration, best.parameters, best.score) == (4, first, None)
    missing = dalsegno("predict", "discs", "--iteration", 3)
    assert missing.code == 2
    assert "no checkpoint of iteration 3" in missing.err


def file(name):
    return FileArrayConfig(file_name=name, voxel_size=(10, 10), units="nm")


def test_another_file_is_read_through_the_views_of_raw_uncropped():
    def scaled(source):
        return IntensitiesArrayConfig(source_array_config=source, min=5, max=90)

    cropped = CropArrayConfig(source_array_config=scaled(file("raw.tif")), roi=Roi((0, 0), (50, 50)))
    assert like_raw(cropped, "other.tif") == scaled(file("other.tif"))


@pytest.mark.parametrize(
    "raw",
    [
        SumArrayConfig(source_array_configs=[file("a.tif"), file("b.tif")]),
        ConcatArrayConfig(channels=["a"], source_array_configs={"a": file("a.tif")}),
    ],
    ids=["sum", "concat"],
)
def test_raw_that_is_not_one_file_is_refused_with_what_to_do(raw):
    view = IntensitiesArrayConfig(source_array_config=raw, min=0, max=255)
    with pytest.raises(DataError, match=r"other\.tif can't take the place.*(Sum|Concat)Array.*predict_best"):
        like_raw(view, "other.tif")
