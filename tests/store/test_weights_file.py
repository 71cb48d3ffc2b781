import io
import pickle

import pytest
import safetensors.torch
import torch
from s3fs import S3FileSystem
from upath import UPath

from dalsegno.errors import StoreError
from dalsegno.store.weights_file import read_weights
from dalsegno.store.weights_store import FileWeightsStore

STATE = {"a.weight": torch.arange(6.0).reshape(2, 3), "a.bias": torch.ones(2)}


class Evil:
    def __reduce__(self):
        return open, ("/tmp/dalsegno_was_here", "w")


def saved(content, **options):
    file = io.BytesIO()
    torch.save(content, file, **options)
    return file.getvalue()


def write_checkpoint(path):
    FileWeightsStore(path).put("run", 3, STATE, {"iteration": 3})
    return path / "runs/run/checkpoints/00000003"


WRITERS = {
    "checkpoint": write_checkpoint,
    "safetensors": lambda path: safetensors.torch.save_file(STATE, path / "weights.bin"),
    "state_dict": lambda path: torch.save(STATE, path / "weights.pt"),
    "dacapo": lambda path: torch.save({"model": STATE, "optimizer": {"state": {}}}, path / "weights"),
    "nested": lambda path: torch.save({"epoch": 3, "state_dict": STATE}, path / "weights.ckpt"),
}


@pytest.mark.parametrize("kind", WRITERS)
def test_weights_are_read_from_every_kind_of_file(tmp_path, kind):
    path = WRITERS[kind](tmp_path) or next(tmp_path.iterdir())
    found = read_weights(UPath(path))
    assert set(found) == set(STATE)
    for name, tensor in STATE.items():
        torch.testing.assert_close(found[name], tensor, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("missing.pt", None, "can't be read"),
        ("empty.pt", b"", "it is empty"),
        ("text.pt", b"these are no weights at all", "neither a safetensors file nor"),
        ("short.pt", b"no", "neither a safetensors file nor"),
        ("cut.safetensors", safetensors.torch.save(STATE)[:-5], "cut short or damaged"),
        ("cut.pt", saved(STATE)[:-20], "cut short or damaged"),
        ("old.pt", saved(STATE, _use_new_zipfile_serialization=False)[:-5], "cut short or damaged"),
        ("evil.pt", pickle.dumps(Evil()), "could execute code"),
        ("hidden.pt", saved({"model": STATE, "args": Evil()}), "could execute code"),
    ],
)
def test_what_is_no_file_of_weights_is_said(tmp_path, name, data, message):
    path = UPath(tmp_path / name)
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(StoreError, match=message) as caught:
        read_weights(path)
    assert name in str(caught.value)
    assert "weights_only" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://127.0.0.1:9/weights.pt", "is the server up"),
        ("s3://bucket/weights.pt", "give credentials in the environment"),
        ("memory://nowhere/weights.pt", "nothing is stored"),
    ],
)
def test_a_server_that_gives_no_weights_is_said(monkeypatch, tmp_path, url, message):
    # a file system that was opened before would keep its server and credentials
    S3FileSystem.clear_instance_cache()
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "PROFILE", "ENDPOINT_URL"):
        monkeypatch.delenv(f"AWS_{name}", raising=False)
    for name in ("CONFIG_FILE", "SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(f"AWS_{name}", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(StoreError, match=message) as caught:
        read_weights(UPath(url))
    assert url in str(caught.value)


def test_weights_are_read_by_url():
    folder = UPath("memory://weights")
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(safetensors.torch.save(STATE))
    for path in (folder, folder / "model.safetensors"):
        torch.testing.assert_close(read_weights(path), STATE, rtol=0, atol=0)


@pytest.mark.parametrize("content", [{}, {"a": 1}, {0: torch.ones(1)}, [torch.ones(1)], {"model": {"a": "b"}}])
def test_other_contents_are_described(tmp_path, content):
    torch.save(content, tmp_path / "other.pt")
    with pytest.raises(StoreError, match=r"weights are tensors by name.*state_dict"):
        read_weights(UPath(tmp_path / "other.pt"))


def test_a_module_is_not_unpickled(tmp_path):
    torch.save(torch.nn.Linear(2, 2), tmp_path / "module.pt")
    with pytest.raises(StoreError, match="execute code"):
        read_weights(UPath(tmp_path / "module.pt"))
