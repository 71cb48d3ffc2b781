"""Weights of a network in a file, from here or from elsewhere. Reading one executes nothing."""

import io
import pickle
import warnings
from typing import TYPE_CHECKING, Any, TypeGuard

from upath import UPath

from dalsegno.errors import DataError, StoreError
from dalsegno.sources.storage.remote import file_system, is_url, reaching

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["read_weights"]

CHECKPOINT_FILE = "model.safetensors"
NESTED = ("model", "model_state_dict", "state_dict")
SAFETENSORS = b"{"  # after the length of the header
TORCH = (b"PK", b"\x80")  # a zip archive, or a pickle of old


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
    data = _read(path)
    try:
        found = _safetensors(data) if data[8:9] == SAFETENSORS else _torch(data)
    except Exception as error:  # a damaged file can make torch raise anything
        raise StoreError(f"{path} can't be read as weights: {_reason(data, error)}") from error
    for name in NESTED:
        if isinstance(found, dict) and isinstance(found.get(name), dict):
            found = found[name]
    if not _are_weights(found):
        raise StoreError(
            f"{path} holds {_described(found)}, but weights are tensors by name; save model.state_dict(), by itself or "
            f"as one of {', '.join(NESTED)} in a dictionary"
        )
    return found


def _are_weights(found: Any) -> "TypeGuard[dict[str, Tensor]]":
    import torch

    if not isinstance(found, dict) or not found:
        return False
    return all(isinstance(name, str) and isinstance(value, torch.Tensor) for name, value in found.items())


def _reason(data: bytes, error: Exception) -> str:
    """Return why a file is none of weights, and what to do; torch's own advice is to execute what is in it."""
    if not data:
        return "it is empty; copy or save it again"
    if data[8:9] != SAFETENSORS and not data.startswith(TORCH):
        return (
            "it is neither a safetensors file nor one that torch.save wrote; save model.state_dict() with one of them"
        )
    if isinstance(error, pickle.UnpicklingError):
        return (
            "it holds more than tensors and plain values, and to read other objects could execute code; save "
            "model.state_dict() alone, with torch.save or safetensors"
        )
    return f"it is cut short or damaged ({type(error).__name__}); copy or save it again"


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
