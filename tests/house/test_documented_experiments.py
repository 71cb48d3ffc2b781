"""The experiments in the texts and in `configs/` are valid."""

import re
from pathlib import Path

import pytest

from dalsegno.arrays.array import ArrayConfig
from dalsegno.experiments.run import RunConfig
from dalsegno.store.converter import structure, unstructure
from dalsegno.store.document import parse_document, read_document

ROOT = Path(__file__).parents[2]
EXPERIMENTS = sorted(path.name for path in (ROOT / "configs").iterdir() if path.suffix in (".yaml", ".toml"))


def yaml_blocks(name):
    return re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / name).read_text(), re.DOTALL)


@pytest.fixture(autouse=True)
def _data(monkeypatch):
    monkeypatch.setenv("VNC_DATA", "/data/vnc")


def test_documented_experiment_is_valid():
    (text,) = [block for block in yaml_blocks("experiments.md") if "num_iterations" in block]
    document = parse_document(text, "experiments.md").resolved()
    experiment = structure(document.data, RunConfig, document)
    assert experiment.name == "mitochondria_distance"
    assert structure(unstructure(experiment), RunConfig) == experiment


def test_documented_array_is_valid():
    (text,) = [block for block in yaml_blocks("data.md") if "${VNC_DATA}" in block]
    document = parse_document(text, "data.md").resolved()
    assert str(structure(document.data, ArrayConfig, document).file_name) == "/data/vnc/stack1/mitochondria"


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_experiments_are_valid_and_documented(name):
    document = read_document(ROOT / "configs" / name)
    assert structure(document.data, RunConfig, document).num_iterations > 0
    assert (ROOT / "configs" / name).read_text().startswith("#"), "says first what it shows"
