"""Which device computes."""

import torch

__all__ = ["choose_device"]


def choose_device() -> torch.device:
    """Return the GPU if torch can use one, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("cpu")
