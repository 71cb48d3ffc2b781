"""Where checkpoints are kept: the weights of a model and the state of its training."""

import hashlib
import io
import json
import logging
import re
import shutil
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dalsegno.errors import StoreError
from dalsegno.store.atomic import replacing_directory, store_errors
from dalsegno.store.names import check_name

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["FileWeightsStore", "WeightsStore"]

logger = logging.getLogger(__name__)

_MODEL, _STATE, _DIGEST = "model.safetensors", "state.pt", "digest.json"

_UNFINISHED = re.compile(r"\.\d{8,}\.\w+")  # a folder that `replacing_directory` was filling


class WeightsStore(ABC):
    """Keeps checkpoints by run and iteration. Reading one executes nothing."""

    @abstractmethod
    def put(self, run: str, iteration: int, model: "dict[str, Tensor]", state: dict[str, Any]) -> None:
        """Keep a checkpoint.

        Parameters
        ----------
        iteration
            Number of training steps done.
        model
            Weights by name, as `torch.nn.Module.state_dict` gives them.
        state
            What else training goes on from: tensors, numbers, texts, lists and dicts.

        Raises
        ------
        StoreError
            If it can't be written; `StoreFull` if there is no room.
        TypeError
            If the state holds something that could not be read without executing code.
        """

    @abstractmethod
    def get(self, run: str, iteration: int) -> "tuple[dict[str, Tensor], dict[str, Any]]":
        """Return the weights and the state of a checkpoint, on the CPU.

        Raises
        ------
        StoreError
            If there is none, or it is damaged.
        """

    @abstractmethod
    def iterations(self, run: str) -> list[int]:
        """Return the iterations that have a checkpoint, sorted."""

    @abstractmethod
    def latest(self, run: str) -> int | None:
        """Return the newest iteration whose checkpoint is whole; a damaged one is logged and passed over."""

    @abstractmethod
    def remove(self, run: str, iteration: int) -> None:
        """Remove a checkpoint.

        Raises
        ------
        StoreError
            If there is none.
        """


class FileWeightsStore(WeightsStore):
    """Keeps each checkpoint in a folder ``<root>/runs/<run>/checkpoints/<iteration>``.

    ``model.safetensors`` has the weights, ``state.pt`` the state, ``digest.json`` the size and SHA-256 of
    both. A run is written by one process at a time.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, run: str, iteration: int, model: "dict[str, Tensor]", state: dict[str, Any]) -> None:
        """Write the folder beside its place and rename it."""
        import safetensors.torch
        import torch

        _check_plain(state, "state")
        buffer = io.BytesIO()
        torch.save(state, buffer)
        files = {_MODEL: safetensors.torch.save(_separate(model)), _STATE: buffer.getvalue()}
        files[_DIGEST] = json.dumps({name: _digest(data) for name, data in files.items()}, indent=2).encode()
        self._remove_unfinished(run)
        with replacing_directory(self._path(run, iteration)) as folder:
            for name, data in files.items():
                (folder / name).write_bytes(data)

    def get(self, run: str, iteration: int) -> "tuple[dict[str, Tensor], dict[str, Any]]":
        """Read and check both files."""
        import safetensors.torch
        import torch

        path = self._existing(run, iteration)
        files = _whole_files(path)
        if files is None:
            raise StoreError(
                f"the checkpoint {path} is damaged: it is not what was written; remove this folder and go on "
                f"from an earlier one of {self.iterations(run)}"
            )
        model = safetensors.torch.load(files[_MODEL])
        return model, torch.load(io.BytesIO(files[_STATE]), map_location="cpu", weights_only=True)

    def iterations(self, run: str) -> list[int]:
        """Return the names of the folders."""
        return sorted(int(path.name) for path in self._folder(run).glob("*") if path.name.isdecimal())

    def latest(self, run: str) -> int | None:
        """Check the folders, the newest first, until one is whole."""
        for iteration in reversed(self.iterations(run)):
            if _whole_files(self._path(run, iteration)) is not None:
                return iteration
            logger.warning("the checkpoint %s is damaged, an earlier one is used", self._path(run, iteration))
        return None

    def remove(self, run: str, iteration: int) -> None:
        """Remove the folder."""
        path = self._existing(run, iteration)
        with store_errors(path):
            shutil.rmtree(path)

    def _remove_unfinished(self, run: str) -> None:
        """Remove what processes that were killed had begun."""
        for path in self._folder(run).glob(".*"):
            if _UNFINISHED.fullmatch(path.name) and path.is_dir():
                with store_errors(path):
                    shutil.rmtree(path)

    def _folder(self, run: str) -> Path:
        return self.root / "runs" / check_name(run, "run") / "checkpoints"

    def _path(self, run: str, iteration: int) -> Path:
        return self._folder(run) / f"{iteration:08d}"

    def _existing(self, run: str, iteration: int) -> Path:
        path = self._path(run, iteration)
        if not path.is_dir():
            raise StoreError(f"run {run!r} has no checkpoint of iteration {iteration}; it has {self.iterations(run)}")
        return path


def _whole_files(path: Path) -> dict[str, bytes] | None:
    """Return the files of a checkpoint, or None if they are not what was written."""
    try:
        with store_errors(path):
            digests = json.loads((path / _DIGEST).read_bytes())
            files = {name: (path / name).read_bytes() for name in (_MODEL, _STATE)}
    except (FileNotFoundError, ValueError):
        return None
    return files if digests == {name: _digest(data) for name, data in files.items()} else None


def _digest(data: bytes) -> dict[str, str | int]:
    return {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}


def _separate(model: "dict[str, Tensor]") -> "dict[str, Tensor]":
    """Return the tensors on the CPU, contiguous, and each in memory of its own, as safetensors needs them."""
    separate, seen = {}, set()
    for name, tensor in model.items():
        tensor = tensor.detach().cpu().contiguous()
        memory = tensor.untyped_storage().data_ptr()
        separate[name] = tensor.clone() if memory in seen else tensor
        seen.add(memory)
    return separate


def _check_plain(value: Any, where: str) -> None:
    from torch import Tensor

    if isinstance(value, dict):
        for key, item in value.items():
            _check_plain(key, where)
            _check_plain(item, f"{where}[{key!r}]")
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            _check_plain(item, f"{where}[{index}]")
    elif type(value) not in (bool, int, float, str, bytes, type(None)) and not isinstance(value, Tensor):
        raise TypeError(f"{where} is a {type(value).__name__}; a checkpoint holds tensors and plain values only")
