"""Open arrays of tensorstore as sources."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dalsegno.sources.array_source import ArraySource
from dalsegno.sources.indexing import Slices
from dalsegno.sources.registry import register_source

__all__ = ["TensorStoreSource"]


class TensorStoreSource(ArraySource):
    """An open array of tensorstore. Its first voxel has the index 0, wherever its domain begins."""

    def __init__(self, array: Any) -> None:
        import tensorstore as ts

        super().__init__(array)
        self._voxels = array[ts.d[:].translate_to[0]] if array.rank else array

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of what is read."""
        dtype: np.dtype[Any] = self.array.dtype.numpy_dtype
        return dtype

    @property
    def chunks(self) -> tuple[int, ...] | None:
        """Shape of a chunk in voxels; None if the array has none."""
        return _sizes(self.array.chunk_layout.read_chunk.shape)

    @property
    def shards(self) -> tuple[int, ...] | None:
        """Shape of a shard in voxels; None if the array has none."""
        written = _sizes(self.array.chunk_layout.write_chunk.shape)
        return None if written == self.chunks else written

    @property
    def writable(self) -> bool:
        """Whether the array was opened for writing."""
        return bool(self.array.writable)

    def _getitem(self, roi: Slices) -> NDArray[Any]:
        return np.asarray(self._voxels[roi].read().result())

    def _setitem(self, roi: Slices, value: NDArray[Any]) -> None:
        self._voxels[roi].write(value).result()


def _sizes(sizes: Any) -> tuple[int, ...] | None:
    return None if sizes is None or not all(sizes) else tuple(int(size) for size in sizes)


def _is_tensorstore(obj: Any) -> bool:
    return type(obj).__module__.partition(".")[0] == "tensorstore" and type(obj).__name__ == "TensorStore"


register_source(_is_tensorstore, TensorStoreSource)
