import logging
import subprocess
import sys

import numpy as np
import pytest
import torch

from dalsegno.errors import StoreError
from dalsegno.store.weights_store import FileWeightsStore


@pytest.fixture
def store(tmp_path):
    return FileWeightsStore(tmp_path)


def checkpoint(tmp_path, iteration):
    return tmp_path / "runs" / "r" / "checkpoints" / f"{iteration:08d}"


def test_a_checkpoint_trains_on_as_the_original(store):
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.BatchNorm1d(3))
    optimizer = torch.optim.RAdam(model.parameters(), 0.1)

    def step():
        optimizer.zero_grad()
        model(torch.arange(12.0).reshape(4, 3)).square().sum().backward()
        optimizer.step()

    step()
    store.put("r", 1, model.state_dict(), {"optimizer": optimizer.state_dict(), "counts": [[1, 2]], "seed": 3})
    step()
    expected = [parameter.clone() for parameter in model.parameters()]
    weights, state = store.get("r", 1)
    model.load_state_dict(weights)
    optimizer.load_state_dict(state["optimizer"])
    step()
    assert all(map(torch.equal, model.parameters(), expected))
    assert (state["counts"], state["seed"]) == ([[1, 2]], 3)


def test_tied_transposed_and_half_weights_come_back(store):
    shared = torch.arange(6.0).reshape(2, 3)
    model = {"a": shared, "b": shared, "c": shared.T, "d": shared[1], "e": torch.ones(2, dtype=torch.bfloat16)}
    store.put("r", 0, model, {})
    weights, _ = store.get("r", 0)
    assert all(torch.equal(weights[name], model[name]) for name in model)
    weights["a"] += 1
    assert torch.equal(weights["b"], shared)


def test_iterations_latest_and_remove(store, tmp_path):
    assert store.iterations("r") == []
    assert store.latest("r") is None
    for iteration in (200, 5, 1000):
        store.put("r", iteration, {"a": torch.ones(1)}, {})
    (tmp_path / "runs" / "r" / "checkpoints" / "5 (copy)").mkdir()
    assert store.iterations("r") == [5, 200, 1000]
    store.remove("r", 1000)
    assert store.latest("r") == 200
    with pytest.raises(StoreError, match=r"no checkpoint of iteration 7; it has \[5, 200\]"):
        store.get("r", 7)
    with pytest.raises(StoreError, match="no checkpoint"):
        store.remove("r", 7)


@pytest.mark.parametrize("file", ["model.safetensors", "state.pt", "digest.json"])
@pytest.mark.parametrize("damage", ["cut", "changed", "gone"])
def test_a_damaged_checkpoint_is_passed_over(store, tmp_path, caplog, file, damage):
    for iteration in (1, 2):
        store.put("r", iteration, {"a": torch.ones(9)}, {"b": iteration})
    path = checkpoint(tmp_path, 2) / file
    data = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(data[:-5] if damage == "cut" else data[:-5] + b"x" + data[-4:])
    with caplog.at_level(logging.WARNING):
        assert store.latest("r") == 1
    assert "00000002 is damaged" in caplog.text
    with pytest.raises(StoreError, match="is damaged"):
        store.get("r", 2)
    store.put("r", 2, {"a": torch.ones(9)}, {"b": 3})
    assert store.latest("r") == 2
    assert store.get("r", 2)[1] == {"b": 3}


@pytest.mark.parametrize("value", [object(), np.ones(2), {"deep": [(1, print)]}])
def test_what_could_not_be_read_safely_is_refused(store, value):
    with pytest.raises(TypeError, match="a checkpoint holds tensors and plain values only"):
        store.put("r", 0, {}, {"x": value})
    assert store.iterations("r") == []


def test_a_checkpoint_that_does_not_fit_leaves_the_others(store, tmp_path, in_small_files):
    store.put("r", 1, {"a": torch.ones(2)}, {})
    in_small_files(
        "import torch; from dalsegno.store.weights_store import FileWeightsStore; "
        "FileWeightsStore(folder).put('r', 2, {'a': torch.ones(9999)}, {})",
    )
    assert store.latest("r") == 1
    assert [path.name for path in checkpoint(tmp_path, 1).parent.iterdir()] == ["00000001"]


def test_leftovers_of_a_killed_process_are_removed(store, tmp_path):
    store.put("r", 1, {"a": torch.ones(2)}, {})
    code = (
        "import os, sys; from pathlib import Path; from dalsegno.store.atomic import replacing_directory\n"
        "with replacing_directory(Path(sys.argv[1])) as folder:\n"
        "    (folder / 'model.safetensors').write_bytes(b'half'); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", code, checkpoint(tmp_path, 2)], check=True)
    assert store.iterations("r") == [1]
    store.put("r", 3, {"a": torch.ones(2)}, {})
    assert sorted(path.name for path in checkpoint(tmp_path, 1).parent.iterdir()) == ["00000001", "00000003"]


def test_files_of_others_among_the_checkpoints_are_let_be(store, tmp_path):
    store.put("r", 1, {"a": torch.ones(2)}, {})
    folder = checkpoint(tmp_path, 1).parent
    (folder / ".DS_Store").write_bytes(b"x")
    (folder / ".00000002.notes").write_bytes(b"x")
    (folder / ".snapshot").mkdir()
    store.put("r", 3, {"a": torch.ones(2)}, {})
    expected = [".00000002.notes", ".DS_Store", ".snapshot", "00000001", "00000003"]
    assert sorted(path.name for path in folder.iterdir()) == expected
    assert store.latest("r") == 3
