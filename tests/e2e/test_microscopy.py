"""The experiments on real electron microscopy, a few iterations of each."""

import json
from pathlib import Path

import pytest
import tifffile

CONFIGS = Path(__file__).parents[2] / "configs"
SHORT = (
    *("--set", "num_iterations=2"),
    *("--set", "trainer_config.batch_size=1"),
    *("--set", "trainer_config.num_data_fetchers=0"),
)


@pytest.fixture
def here(vnc, tmp_path, monkeypatch):
    monkeypatch.setenv("VNC_DATA", str(vnc))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("file", "channels"),
    [
        ("vnc_mitochondria.yaml", {"mitochondria"}),
        ("vnc_mitochondria_onehot.toml", {"intracellular", "membrane", "glia", "mitochondria", "synapse"}),
    ],
)
def test_an_experiment_on_sections_trains_and_is_scored(here, dalsegno, file, channels):
    done = dalsegno("run", CONFIGS / file, *SHORT)
    assert done.code == 0, done.err
    name = Path(file).stem
    shown = json.loads(dalsegno("show", name, "--json").out)
    assert {row["dataset"] for row in shown["scores"]} == {"sections_12_15"}
    assert {key.split("__")[0] for key in shown["scores"][0]["scores"]} == channels


def test_folders_of_sections_are_read_as_published(here, dalsegno, vnc):
    for kind in ("raw", "mitochondria"):
        (here / "stack1" / kind).mkdir(parents=True)
        for section, page in enumerate(tifffile.imread(vnc / f"{kind}.tif")):
            tifffile.imwrite(here / "stack1" / kind / f"{section:02d}.tif", page)
    text = (CONFIGS / "vnc_mitochondria.yaml").read_text()
    for kind in ("raw", "mitochondria"):
        text = text.replace(f"${{VNC_DATA}}/{kind}.tif", str(here / "stack1" / kind))
    (here / "published.yaml").write_text(text)
    stacks = json.loads(dalsegno("check", CONFIGS / "vnc_mitochondria.yaml", *SHORT, "--json").out)
    folders = json.loads(dalsegno("check", here / "published.yaml", *SHORT, "--json").out)
    assert folders == stacks
    assert folders["problems"] == []
    assert {row["voxel size"] for row in folders["datasets"]} == {"50000 x 18400 x 18400 pm"}
