"""Where a segmentation may be written: nowhere near the prediction that it is made of."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from dalsegno.arrays.array import Array
from dalsegno.arrays.array_view import ArrayView
from dalsegno.arrays.stored_array import StoredArray
from dalsegno.errors import DataError
from dalsegno.sources import FileSource
from dalsegno.sources.storage.remote import is_url
from dalsegno.store.array_store import LocalArrayIdentifier

__all__ = ["check_apart"]


def check_apart(prediction: Array, output: LocalArrayIdentifier) -> None:
    """Refuse an output that would replace what it is made of.

    Parameters
    ----------
    prediction
        What is read: a stored array, or a view of some.
    output
        Where is to be written.

    Raises
    ------
    DataError
        If one of the stored arrays is the output, lies within it, or contains it.
    """
    target = _place(str(output.container), output.dataset)
    for place in _places(prediction):
        if target == place or target in place.parents or place in target.parents:
            raise DataError(
                f"the output {output} is to be written where the prediction is stored, {place}: it would replace the "
                "voxels that it is made of; give the output another name in the container"
            )


def _places(array: Array) -> Iterator[PurePosixPath]:
    """Yield where the voxels of an array are stored, those in memory excepted."""
    if isinstance(array, ArrayView):
        sources = getattr(array, "source_arrays", [array.source_array])
        for source in sources.values() if isinstance(sources, Mapping) else sources:
            yield from _places(source)
    elif isinstance(array, StoredArray) and isinstance(array.source, FileSource):
        yield _place(str(array.source.path), array.source.internal_path or "")


def _place(container: str, name: str) -> PurePosixPath:
    inside = os.path.normpath(name.strip("/"))
    return PurePosixPath(container, inside) if is_url(container) else PurePosixPath(Path(container, inside).resolve())
