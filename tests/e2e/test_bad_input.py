"""A user's mistake ends in one clear message and exit code 2; nothing stored is lost."""

import os
import resource
import subprocess
import sys

import numpy as np
import pytest
import tifffile

SMALL = "voxel_size: [10, 10], units: nm}"


def replaced(experiment, old, new, count=-1):
    text = experiment.read_text()
    assert old in text
    experiment.write_text(text.replace(old, new, count))


def refused(result, *expected):
    assert result.code == 2, result.out + result.err
    assert "Traceback" not in result.err
    for text in expected:
        assert text in " ".join(result.err.split()), result.err


@pytest.mark.parametrize("command", ["run", "check"])
def test_a_missing_experiment_file(experiment, dalsegno, command):
    refused(dalsegno(command, "disks.yaml"), "disks.yaml", "discs.yaml")


def test_a_missing_environment_variable(experiment, dalsegno, monkeypatch):
    monkeypatch.delenv("DISCS")
    refused(dalsegno("run", experiment), "DISCS", "export")


def test_a_missing_data_file(experiment, dalsegno):
    replaced(experiment, "train_raw.tif", "trian_raw.tif")
    refused(dalsegno("run", experiment), "trian_raw.tif")


def test_every_broken_array_is_said_at_its_place(experiment, dalsegno):
    replaced(experiment, "train_raw.tif", "trian_raw.tif")
    replaced(experiment, f'train_gt.tif", {SMALL}', 'train_gt.tif", voxel_size: [10, 10], units: nm, level: 3}')
    replaced(experiment, f'validate_raw.tif", {SMALL}', 'validate_raw.tif", select: {q: 3}}')
    replaced(experiment, f'validate_gt.tif", {SMALL}', 'validate_gt.tif", voxel_size: [4.6, 10], units: nm}')
    lines = experiment.read_text().splitlines()
    result = dalsegno("check", experiment)
    expected = {
        "trian_raw.tif": "train_configs[0].raw_config: ${DISCS}/trian_raw.tif does not exist",
        "train_gt.tif": "train_configs[0].gt_config: tiff files have no option 'level'",
        "validate_raw.tif": "validate_configs[0].raw_config: ${DISCS}/validate_raw.tif has axes",
        "validate_gt.tif": "validate_configs[0].gt_config: ${DISCS}/validate_gt.tif: voxel_size [4.6, 10",
    }
    said = result.err.splitlines()
    assert len(said) == len(expected)
    for line, (file, message) in zip(said, expected.items(), strict=True):
        written = next(number for number, text in enumerate(lines, 1) if file in text)
        assert f"{experiment.name}:{written}: datasplit_config.{os.path.expandvars(message)}" in line
    refused(result)


def test_a_wrong_number_of_axes(experiment, dalsegno):
    replaced(experiment, SMALL, "axes: [z, y, x], voxel_size: [10, 10, 10], units: nm}", 1)
    refused(dalsegno("check", experiment), "axes", "(120, 120)")


def test_axes_in_another_order(experiment, dalsegno):
    replaced(experiment, SMALL, "axes: [x, y], voxel_size: [10, 10], units: nm}", 1)
    refused(dalsegno("check", experiment), "axes", "['x', 'y']", "['y', 'x']")


def test_raw_and_gt_that_do_not_overlap(experiment, dalsegno):
    replaced(
        experiment, f'train_gt.tif", {SMALL}', 'train_gt.tif", voxel_size: [10, 10], offset: [5000, 0], units: nm}'
    )
    refused(dalsegno("run", experiment), "left", "overlap")


def test_raw_and_gt_in_different_units(experiment, dalsegno):
    replaced(experiment, f'train_gt.tif", {SMALL}', 'train_gt.tif", voxel_size: [10, 10], units: um}')
    refused(dalsegno("run", experiment), "left", "units")


def test_labels_where_intensities_are_expected(experiment, dalsegno, tmp_path):
    labels = np.zeros((120, 120), np.uint32)
    labels[20:50, 20:50] = 70000
    tifffile.imwrite(tmp_path / "labels.tif", labels)
    replaced(experiment, "${DISCS}/train_raw.tif", str(tmp_path / "labels.tif"))
    refused(dalsegno("run", experiment), "uint32", "labels", "swapped")


def test_raw_and_gt_swapped(experiment, dalsegno):
    text = experiment.read_text()
    text = text.replace("train_raw", "X").replace("train_gt", "train_raw").replace("X", "train_gt")
    experiment.write_text(text)
    refused(dalsegno("check", experiment), "swapped")


def test_raw_that_fills_little_of_its_range(experiment, dalsegno, tmp_path):
    dim = np.random.default_rng(0).integers(0, 256, (120, 120)).astype(np.uint16)  # 8 bits stored as 16
    tifffile.imwrite(tmp_path / "dim.tif", dim)
    replaced(experiment, "${DISCS}/train_raw.tif", str(tmp_path / "dim.tif"))
    checked = dalsegno("check", experiment)
    assert checked.code == 0, checked.err
    assert "reaches 0.0039 only" in " ".join((checked.out + checked.err).split())


def test_nan_in_raw(experiment, dalsegno, tmp_path):
    raw = np.random.default_rng(0).random((120, 120), np.float32)
    raw[40:80, 40:80] = np.nan
    tifffile.imwrite(tmp_path / "nan.tif", raw)
    replaced(experiment, "${DISCS}/train_raw.tif", str(tmp_path / "nan.tif"))
    refused(dalsegno("run", experiment), "left", "NaN")


def test_nan_in_raw_reaches_the_user_from_a_data_worker(experiment, dalsegno, tmp_path):
    tifffile.imwrite(tmp_path / "nan.tif", np.full((120, 120), np.nan, np.float32))
    replaced(experiment, "${DISCS}/train_raw.tif", str(tmp_path / "nan.tif"))
    replaced(experiment, "num_data_fetchers: 0", "num_data_fetchers: 1")
    refused(dalsegno("run", experiment), "left", "NaN")


def test_clipping_of_values_that_are_not_between_0_and_1(experiment, dalsegno, tmp_path):
    tifffile.imwrite(tmp_path / "float.tif", np.random.default_rng(0).normal(0, 9, (120, 120)).astype(np.float32))
    replaced(experiment, "${DISCS}/train_raw.tif", str(tmp_path / "float.tif"))
    refused(dalsegno("run", experiment), "clip", "IntensitiesArray")


def test_a_crop_outside_the_data(experiment, dalsegno):
    plain = '{type: FileArray, file_name: "${DISCS}/train_raw.tif", voxel_size: [10, 10], units: nm}'
    crop = f"{{type: CropArray, roi: {{offset: [0, 0], shape: [5000, 100]}}, source_array_config: {plain}}}"
    replaced(experiment, plain, crop)
    refused(dalsegno("run", experiment), "5000", "1200")


def test_an_input_shape_larger_than_the_data(experiment, dalsegno):
    replaced(experiment, "input_shape: [44, 44]", "input_shape: [244, 244]")
    refused(dalsegno("run", experiment), "larger than", "input_shape")


def test_an_input_shape_that_does_not_fit_the_factors(experiment, dalsegno):
    replaced(experiment, "input_shape: [44, 44]", "input_shape: [44, 45]")
    refused(dalsegno("run", experiment), "input_shape", "44", "46")


def test_fractional_voxel_sizes_name_the_unit_that_makes_them_whole(experiment, dalsegno):
    replaced(experiment, "voxel_size: [10, 10], units: nm", "voxel_size: [4.6, 4.6], units: nm")
    refused(dalsegno("run", experiment), "[4600, 4600]", "pm")


def test_a_wrong_number_of_channels(experiment, dalsegno):
    replaced(experiment, "fmaps_in: 1", "fmaps_in: 3")
    for command in ("check", "run"):
        refused(dalsegno(command, experiment), "fmaps_in")


def test_a_name_that_is_no_file_name(experiment, dalsegno):
    refused(dalsegno("run", experiment, "--set", "name=../elsewhere"), "../elsewhere")


def test_a_store_that_can_not_be_written(experiment, dalsegno, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    refused(dalsegno("run", experiment, "--store", tmp_path / "file" / "store"), "store")


def test_nothing_is_stored_of_an_experiment_that_can_not_be_trained(experiment, dalsegno, tmp_path):
    refused(dalsegno("run", experiment, "--set", "architecture_config.fmaps_in=3"), "fmaps_in")
    assert not list((tmp_path / "store").rglob("*.yaml"))
    assert dalsegno("run", experiment, "--set", "num_iterations=1").code == 0


def test_two_dimensions_of_the_network_for_three_of_the_data(experiment, dalsegno, tmp_path):
    tifffile.imwrite(tmp_path / "stack.tif", np.zeros((5, 120, 120), np.uint8))
    plain = '{type: FileArray, file_name: "${DISCS}/train_%s.tif", voxel_size: [10, 10], units: nm}'
    stack = f"{{type: FileArray, file_name: {tmp_path}/stack.tif, voxel_size: [40, 10, 10], units: nm}}"
    for kind in ("raw", "gt"):
        replaced(experiment, plain % kind, stack)
    refused(dalsegno("run", experiment), "3 spatial axes", "input_shape")


def test_an_unknown_run_names_the_known_ones(experiment, dalsegno):
    assert dalsegno("run", experiment, "--set", "num_iterations=1").code == 0
    for command in ("show", "compare", "predict"):
        refused(dalsegno(command, "disks"), "disks", "discs")


def test_an_unknown_criterion_names_the_known_ones(experiment, dalsegno):
    assert dalsegno("run", experiment, "--set", "num_iterations=1").code == 0
    refused(dalsegno("compare", "discs", "--criterion", "f1"), "f1_score")


def test_a_full_disk_ends_in_a_message_and_keeps_what_was_stored(experiment, dalsegno, tmp_path):
    assert dalsegno("run", experiment, "--set", "name=first").code == 0
    before = {path: path.read_bytes() for path in (tmp_path / "store").rglob("*") if path.is_file()}

    def small_files():
        # checkpoints do not fit, statistics do
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    command = [sys.executable, "-m", "dalsegno", "run", str(experiment)]
    full = subprocess.run(command, preexec_fn=small_files, capture_output=True, text=True, check=False)
    assert full.returncode == 1, full.stdout + full.stderr
    assert "Traceback" not in full.stderr
    assert "room" in full.stderr or "full" in full.stderr
    for path, content in before.items():
        assert path.read_bytes() == content
    assert dalsegno("run", experiment).code == 0
