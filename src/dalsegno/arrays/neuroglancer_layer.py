"""An array as a layer of neuroglancer, read from Python as it is looked at."""

from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from dalsegno.arrays.array import Array
from dalsegno.errors import DataError
from dalsegno.sources import Source, as_source
from dalsegno.units import factor

__all__ = ["can_neuroglance", "neuroglancer_layer", "neuroglancer_source"]

_SHOWN_AS = {"bool": "uint8", "int64": "uint64", "float16": "float32", "float64": "float32"}
_MESH_VOXELS = 512**3


def can_neuroglance() -> bool:
    """Return whether neuroglancer is installed."""
    return find_spec("neuroglancer") is not None


def neuroglancer_layer(array: Array) -> tuple[Any, dict[str, Any]]:
    """Return a layer that shows an array, and what `viewer.layers.append` takes besides it.

    Labels are shown as a segmentation, everything else as an image.

    Raises
    ------
    DataError
        If neuroglancer is not installed.
    """
    neuroglancer = _library()
    shown_as = neuroglancer.SegmentationLayer if array.holds_labels else neuroglancer.ImageLayer
    return shown_as(source=neuroglancer_source(array)), {"name": _name(array), "visible": True}


def neuroglancer_source(array: Array) -> Any:
    """Return the voxels of an array as a source of a layer: axes, voxel size and place as the array's.

    A channel axis is ``c^`` of an image, whose channels are shown together, and ``c'`` of a segmentation, of which
    one is shown at a time.

    Raises
    ------
    DataError
        If neuroglancer is not installed.
    """
    neuroglancer = _library()
    channels = [] if array.num_channels is None else ["c'" if array.holds_labels else "c^"]
    # neuroglancer knows metres; numbers without a unit are voxels
    meters = 1.0 if array.units == "voxel" else float(factor(array.units, "m"))
    space = neuroglancer.CoordinateSpace(
        names=channels + array.spatial_axes,
        units=[""] * len(channels) + ["" if array.units == "voxel" else "m"] * array.dims,
        scales=[1.0] * len(channels) + [size * meters for size in array.voxel_size],
    )
    begin, size = array.roi.begin, array.voxel_size
    volume = neuroglancer.LocalVolume(
        data=_Voxels(as_source(array)),
        dimensions=space,
        volume_type="segmentation" if array.holds_labels else "image",
        voxel_offset=[0] * len(channels) + list(begin // size),
    )
    rest = [0.0] * len(channels) + [part / edge for part, edge in zip(begin % size, size, strict=True)]
    if not any(rest):
        return volume
    # the offset of a volume is whole voxels: what remains moves the layer
    transform = neuroglancer.CoordinateSpaceTransform(
        output_dimensions=space, matrix=np.column_stack([np.eye(len(rest)), rest])
    )
    return neuroglancer.LayerDataSource(url=volume, transform=transform)


class _Voxels:
    """A source as neuroglancer reads it: in a type that it can show."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.shape = source.shape
        self.dtype = np.dtype(_SHOWN_AS.get(source.dtype.name, source.dtype))

    def __getitem__(self, index: Any) -> NDArray[Any]:
        return np.asarray(self._source[index], dtype=self.dtype)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self[...], dtype=dtype, copy=copy)

    def transpose(self) -> NDArray[Any]:
        """Return all voxels, axes reversed: meshes of labels are made of the whole volume."""
        if self._source.size > _MESH_VOXELS:
            from neuroglancer.local_volume import MeshesNotSupportedForVolume

            raise MeshesNotSupportedForVolume
        return self[...].transpose()


def _name(array: Array) -> str:
    return getattr(getattr(array, "config", None), "name", "") or type(array).__name__


def _library() -> Any:
    try:
        import neuroglancer
    except ImportError as error:
        raise DataError(
            "arrays are shown with neuroglancer, which is not installed: pip install 'dalsegno[neuroglancer]'"
        ) from error
    return neuroglancer
