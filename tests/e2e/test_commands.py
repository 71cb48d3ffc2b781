"""The commands, one after the other, as a user types them."""

import json
import math

import numpy as np
import tifffile
import zarr


def tree(folder):
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_from_a_file_to_scores(experiment, dalsegno, tmp_path):
    checked = dalsegno("check", experiment)
    assert checked.code == 0, checked.err
    assert "no problems" in checked.out

    done = dalsegno("run", experiment, "--set", "num_iterations=60", "--set", "validation_interval=30")
    assert done.code == 0, done.err
    assert "f1_score" in done.out
    assert (tmp_path / "store/runs/discs/best.png").stat().st_size > 1000

    (row,) = json.loads(dalsegno("runs", "--json").out)
    assert (row["name"], row["iteration"], row["of"], row["state"]) == ("discs", 60, 60, "finished")
    assert "discs" in dalsegno("runs").out

    (best,) = json.loads(dalsegno("compare", "discs", "--json").out)
    assert best["f1_score"] > 0.9
    assert best["dataset"] == "right"
    assert best["threshold"] in (-0.2, 0.0, 0.2)

    shown = json.loads(dalsegno("show", "discs", "--json").out)
    assert {row["iteration"] for row in shown["scores"]} == {30, 60}
    assert shown["config"]["num_iterations"] == 60
    assert "disc__f1_score" in shown["scores"][0]["scores"]
    assert dalsegno("show", "discs").code == 0

    plotted = dalsegno("compare", "discs", "--plot", tmp_path / "curves.png")
    assert plotted.code == 0
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_statistics_hold_every_iteration_once(experiment, dalsegno, tmp_path):
    from dalsegno.store.options import load_options
    from dalsegno.store.stores import open_stores

    assert dalsegno("run", experiment).code == 0
    stores = open_stores(load_options(store=tmp_path / "store"))
    rows = stores.stats.training("discs")
    assert [row["iteration"] for row in rows] == list(range(20))
    assert all(math.isfinite(row["loss"]) for row in rows)
    # the step size grows to its full height and stays there, through validations
    rates = [row["learning_rate"] for row in rows]
    assert rates[5:] == [5e-3] * 15
    assert rates[0] < rates[3] < 5e-3


def test_a_finished_run_says_so_and_changes_nothing(experiment, dalsegno, tmp_path):
    assert dalsegno("run", experiment).code == 0
    before = tree(tmp_path / "store")
    again = dalsegno("run", experiment)
    assert again.code == 0
    assert "finished" in again.out
    assert tree(tmp_path / "store") == before


def test_another_config_under_the_same_name_is_refused_with_the_difference(experiment, dalsegno, tmp_path):
    assert dalsegno("run", experiment).code == 0
    before = tree(tmp_path / "store")
    refused = dalsegno("run", experiment, "--set", "trainer_config.learning_rate=1e-3")
    assert refused.code == 2
    assert "trainer_config.learning_rate" in refused.err
    assert "0.005" in refused.err
    assert "0.001" in refused.err
    assert tree(tmp_path / "store") == before


def test_fewer_iterations_than_the_validation_interval_are_kept_and_scored(experiment, dalsegno):
    assert dalsegno("run", experiment, "--set", "num_iterations=3").code == 0
    shown = json.loads(dalsegno("show", "discs", "--json").out)
    assert {row["iteration"] for row in shown["scores"]} == {3}
    assert shown["summary"]["state"] == "finished"


def test_predict_applies_the_best_model_to_another_volume(experiment, dalsegno, data, tmp_path):
    assert dalsegno("run", experiment, "--set", "num_iterations=60").code == 0
    own = json.loads(dalsegno("predict", "discs", "--json").out)
    assert own["written"]
    other = dalsegno("predict", "discs", "--input", data / "train_raw.tif", "--output", tmp_path / "out.zarr", "--json")
    assert other.code == 0, other.err
    labels = zarr.open_array(tmp_path / "out.zarr/train_raw/labels/s0", mode="r")
    truth = tifffile.imread(data / "train_gt.tif") > 0
    predicted = np.asarray(labels[0]) > 0
    assert 2 * (truth & predicted).sum() / (truth.sum() + predicted.sum()) > 0.9
    assert list(labels.attrs["voxel_size"]) == [10, 10]


def test_check_prints_every_problem_at_once(experiment, dalsegno):
    text = experiment.read_text()
    text = text.replace("fmaps_in: 1", "fmaps_in: one").replace("batch_size: 2", "batch_sise: 2")
    experiment.write_text(text.replace("type: SimpleAugment", "type: SimpleAugmnt"))
    checked = dalsegno("check", experiment)
    assert checked.code == 2
    for expected in ("fmaps_in", "did you mean 'batch_size'", "did you mean 'SimpleAugment'"):
        assert expected in checked.err
    line = next(number for number, row in enumerate(text.splitlines(), 1) if "batch_sise" in row)
    assert f"discs.yaml:{line}: trainer_config.batch_sise" in checked.err


def test_check_prints_problems_of_all_datasets(experiment, dalsegno):
    text = experiment.read_text()
    text = text.replace("train_raw.tif", "nothing.tif").replace("validate_gt.tif", "missing.tif")
    experiment.write_text(text)
    checked = dalsegno("check", experiment)
    assert checked.code == 2
    assert "nothing.tif" in checked.err
    assert "missing.tif" in checked.err


def test_check_finds_what_would_fail_at_the_first_validation(experiment, dalsegno, data, tmp_path):
    text = experiment.read_text()
    labels = tifffile.imread(data / "validate_gt.tif")
    tifffile.imwrite(tmp_path / "coarse.tif", np.ascontiguousarray(labels[::2, ::2]))
    plain = '{type: FileArray, file_name: "${DISCS}/validate_gt.tif", voxel_size: [10, 10], units: nm}'
    coarse = f"{{type: FileArray, file_name: {tmp_path}/coarse.tif, voxel_size: [20, 20], units: nm}}"
    assert plain in text
    experiment.write_text(text.replace(plain, coarse))
    checked = dalsegno("check", experiment)
    assert checked.code == 2
    assert "right" in checked.err
    assert "ResampledArray" in checked.err
    line = next(number for number, row in enumerate(text.splitlines(), 1) if "name: right" in row)
    assert f"discs.yaml:{line - 1}: datasplit_config.validate_configs[0]" in checked.err
    experiment.write_text(text.replace("tol_distance: 10 nm", "tol_distance: 2 voxel"))
    assert "voxel" in dalsegno("check", experiment).err


def test_a_mistake_takes_no_name(experiment, dalsegno):
    text = experiment.read_text()
    experiment.write_text(text.replace("train_raw", "trian_raw"))
    assert dalsegno("run", experiment).code == 2
    experiment.write_text(text)
    assert dalsegno("run", experiment, "--set", "num_iterations=1").code == 0


def test_a_part_of_another_content_under_its_name_takes_no_name_of_a_run(experiment, dalsegno):
    named = ("--set", "num_iterations=1", "--set", "task_config.name=task")
    assert dalsegno("run", experiment, *named, "--set", "name=first").code == 0
    other = (*named, "--set", "task_config.scale_factor=50 nm")
    refused = dalsegno("run", experiment, *other)
    assert refused.code == 2
    assert "task_config" in refused.err or "scale_factor" in refused.err
    assert dalsegno("run", experiment, *other, "--set", "task_config.name=another").code == 0


def test_errors_are_json_too(experiment, dalsegno):
    failed = dalsegno("check", experiment, "--set", "architecture_config.fmaps_in=one", "--json")
    assert failed.code == 2
    assert "fmaps_in" in json.loads(failed.out)["problems"][0]


def test_a_picture_that_is_gone_is_drawn_again(experiment, dalsegno, tmp_path):
    assert dalsegno("run", experiment, "--set", "num_iterations=1").code == 0
    picture = tmp_path / "store/runs/discs/best.png"
    picture.unlink()
    assert dalsegno("run", experiment, "--set", "num_iterations=1").code == 0
    assert picture.exists()


def test_runs_shows_the_others_beside_one_that_can_not_be_read(experiment, dalsegno, tmp_path):
    assert dalsegno("run", experiment, "--set", "num_iterations=1").code == 0
    (tmp_path / "store/configs/runs/broken.yaml").write_text("{name: broken}")
    rows = {row["name"]: row for row in json.loads(dalsegno("runs", "--json").out)}
    assert rows["discs"]["state"] == "finished"
    assert "unreadable" in rows["broken"]["state"]


def test_a_finished_run_without_its_last_scores_is_not_finished(experiment, dalsegno, tmp_path):
    assert dalsegno("run", experiment).code == 0
    scores = tmp_path / "store/runs/discs/validation.jsonl"
    scores.write_text("".join(scores.read_text().splitlines(keepends=True)[:-1]))
    assert json.loads(dalsegno("runs", "--json").out)[0]["state"] == "stopped"
    assert dalsegno("run", experiment).code == 0
    assert json.loads(dalsegno("runs", "--json").out)[0]["state"] == "finished"


def test_compare_lists_runs_without_scores(experiment, dalsegno):
    assert dalsegno("run", experiment, "--set", "num_iterations=1").code == 0
    bare = ("--set", "datasplit_config.validate_configs=[]", "--set", "name=bare", "--set", "num_iterations=1")
    assert dalsegno("run", experiment, *bare).code == 0
    rows = json.loads(dalsegno("compare", "discs", "bare", "--json").out)
    assert [row["run"] for row in rows] == ["discs", "bare"]
