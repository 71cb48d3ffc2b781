"""Batches of training, kept to be looked at."""

from typing import Any

from numpy.typing import NDArray

from dalsegno.store.array_store import LocalContainerIdentifier

__all__ = ["write_snapshot"]


def write_snapshot(container: LocalContainerIdentifier, iteration: int, volumes: dict[str, NDArray[Any]]) -> None:
    """Write the arrays of one batch to ``<container>/<iteration>/volumes/<name>``.

    Parameters
    ----------
    container
        A zarr container, made where there is none.
    iteration
        Iteration that the batch belongs to.
    volumes
        Arrays with axes (sample, channel, *spatial).
    """
    import zarr

    root = zarr.open_group(str(container.container), mode="a")
    for name, data in volumes.items():
        stored = root.create_array(f"{iteration}/volumes/{name}", data=data, overwrite=True)
        stored.attrs["axes"] = ["sample", "channel", "z", "y", "x"][: 2 + max(0, data.ndim - 2)]
