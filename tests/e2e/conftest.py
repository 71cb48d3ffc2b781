"""A small experiment with real files: bright discs on noise, two dimensions, a network of a few weights."""

import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from attrs import frozen

from dalsegno.cli import main

EXPERIMENT = """
name: discs
architecture_config:
  type: CNNectomeUNet
  input_shape: [44, 44]
  eval_shape_increase: [32, 32]
  fmaps_in: 1
  fmaps_out: 6
  num_fmaps: 6
  fmap_inc_factor: 2
  downsample_factors: [[2, 2]]
task_config:
  type: DistanceTask
  channels: [disc]
  scale_factor: 40 nm
  clip_distance: 40 nm
  tol_distance: 10 nm
  thresholds: [-0.2, 0.0, 0.2]
trainer_config:
  type: GunpowderTrainer
  batch_size: 2
  learning_rate: 5e-3
  num_data_fetchers: 0
  warmup_iterations: 5
  augments:
    - type: SimpleAugment
    - {type: IntensityAugment, scale: [0.9, 1.1], shift: [-0.1, 0.1]}
datasplit_config:
  type: TrainValidateDataSplit
  train_configs:
    - type: RawGTDataset
      name: left
      raw_config: {type: FileArray, file_name: "${DISCS}/train_raw.tif", voxel_size: [10, 10], units: nm}
      gt_config: {type: FileArray, file_name: "${DISCS}/train_gt.tif", voxel_size: [10, 10], units: nm}
  validate_configs:
    - type: RawGTDataset
      name: right
      raw_config: {type: FileArray, file_name: "${DISCS}/validate_raw.tif", voxel_size: [10, 10], units: nm}
      gt_config: {type: FileArray, file_name: "${DISCS}/validate_gt.tif", voxel_size: [10, 10], units: nm}
num_iterations: 20
validation_interval: 10
"""


@frozen
class Result:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str


def discs(seed: int, size: int = 120) -> tuple[np.ndarray, np.ndarray]:
    """Return raw (uint8) and the ids of the discs (uint16), axes (y, x)."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size]
    labels = np.zeros((size, size), np.uint16)
    for label in range(1, 13):
        centre, radius = rng.uniform(8, size - 8, 2), rng.uniform(6, 12)
        labels[(y - centre[0]) ** 2 + (x - centre[1]) ** 2 < radius**2] = label
    raw = 60 + 120 * (labels > 0) + rng.normal(0, 15, labels.shape)
    return np.clip(raw, 0, 255).astype(np.uint8), labels


@pytest.fixture(scope="session")
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("discs")
    for seed, name in enumerate(("train", "validate")):
        raw, labels = discs(seed)
        tifffile.imwrite(folder / f"{name}_raw.tif", raw)
        tifffile.imwrite(folder / f"{name}_gt.tif", labels)
    return folder


@pytest.fixture
def experiment(tmp_path, data, monkeypatch) -> Path:
    """An experiment file in an empty working folder."""
    monkeypatch.setenv("DISCS", str(data))
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "discs.yaml"
    file.write_text(EXPERIMENT)
    return file


@pytest.fixture
def dalsegno(capsys, monkeypatch):
    """Run a command in this process."""

    def call(*arguments: object) -> Result:
        monkeypatch.setattr(sys, "argv", ["dalsegno", *map(str, arguments)])
        monkeypatch.setenv("COLUMNS", "200")
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        printed = capsys.readouterr()
        return Result(code, printed.out, printed.err)

    return call
