"""Weights of a network in a file, from here or from elsewhere. Reading one executes nothing."""

import io
import warnings
from typing import TYPE_CHECKING, Any

from upath import UPath

from dalsegno.errors import DataError, StoreError
from dalsegno.sources.storage.remote import file_system, is_url, reaching

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["read_weights"]

CHECKPOINT_FILE = "model.safetensors"
NESTED = ("model", "model_state_dict", "state_dict")


def read_weights(path: UPath) -> "dict[str, Tensor]":
    """Return weights by name, on the CPU.

    Parameters
    ----------
    path
        A checkpoint (the folder or its file), another safetensors file, or what `torch.save` wrote: the
        `state_dict` of a module, or a dictionary that holds one as ``model`` or ``state_dict``.

    Raises
    ------
    StoreError
        If there is nothing at the path, it can't be reached, or holds something else than weights.
    """
    import torch

    data = _read(path)
    try:
        found = _safetensors(data) if data[8:9] == b"{" else _torch(data)
    except Exception as error:  # a damaged file can make torch raise anything
        reason = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
        raise StoreError(
            f"{path} can't be read as weights ({reason}): only tensors and plain values are, as others could execute "
            "code; save model.state_dict() with torch.save or safetensors"
        ) from error
    for name in NESTED:
        if isinstance(found, dict) and isinstance(found.get(name), dict):
            found = found[name]
    if not isinstance(found, dict) or not found or not all(isinstance(value, torch.Tensor) for value in found.values()):
        raise StoreError(
            f"{path} holds {_described(found)}, but weights are tensors by name; save model.state_dict(), by itself or "
            f"as one of {', '.join(NESTED)} in a dictionary"
        )
    return found


def _read(path: UPath) -> bytes:
    """Return the content of a file, or of the one in a checkpoint's folder."""
    place = str(path)
    try:
        if not is_url(place):
            return _content(path)
        file_system(place, path.storage_options)  # says which package such URLs need
        with reaching(place):
            return _content(path)
    except DataError as error:
        raise StoreError(f"the weights can't be read: {error}") from error
    except Exception as error:  # file systems may raise anything
        reason = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
        raise StoreError(
            f"the weights {path} can't be read: {reason}; give a checkpoint "
            f"(<store>/runs/<run>/checkpoints/<iteration>/{CHECKPOINT_FILE}) or a file with a state_dict"
        ) from error


def _content(path: UPath) -> bytes:
    content: bytes = (path / CHECKPOINT_FILE if path.is_dir() else path).read_bytes()
    return content


def _safetensors(data: bytes) -> Any:
    import safetensors.torch

    return safetensors.torch.load(data)


def _torch(data: bytes) -> Any:
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of formats it may not know: it raises where it doesn't
        return torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)


def _described(found: Any) -> str:
    if isinstance(found, dict):
        return f"a dictionary with {', '.join(map(str, list(found)[:5])) or 'nothing in it'}"
    return f"a {type(found).__name__}"
