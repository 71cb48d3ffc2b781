"""A zarr array on disk."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from funlib.geometry import Coordinate, Roi
from numpy.typing import DTypeLike
from upath import UPath

from dalsegno.arrays.array import ArrayConfig
from dalsegno.arrays.chunk_layout import chunk_layout
from dalsegno.arrays.frame import find_frame, stated
from dalsegno.arrays.stored_array import StoredArray, reading_options
from dalsegno.config import config, coordinate, field, not_negative, one_of, positive
from dalsegno.errors import DataError
from dalsegno.sources import FileSource, Geometry, open_source
from dalsegno.sources.formats.zarr.image import create_image
from dalsegno.units import canonical

__all__ = ["ZarrArray", "ZarrArrayConfig"]


@config
class ZarrArrayConfig(ArrayConfig):
    """A zarr array on disk, version 2 or 3. Values that are given win over the array's attributes."""

    file_name: UPath = field(help="Path of the zarr container.")
    dataset: str = field(
        help="Name of an array in the container, such as 'volumes/raw', or of an OME-Zarr image; empty for the root."
    )
    level: int | None = field(
        help="Resolution level of an OME-Zarr image; 0, the finest, if not given.", default=None, check=not_negative
    )
    snap_to_grid: Coordinate | None = field(
        help="World units: shrink the region until it begins and ends on multiples of this.",
        default=None,
        check=positive,
    )
    axes: tuple[str, ...] | None = field(
        help="Names of the axes in the order in which they are stored; 'c' for channels.", default=None
    )
    mode: str | None = field(
        help="'r' only reads; the others may write too. Opening never creates anything.",
        default="a",
        check=one_of("r", "r+", "a", "w"),
    )
    select: dict[str, int] = field(
        help="The position on axes that are not shown: {t: 3} is the fourth time point, {c: 0} the first channel.",
        factory=dict,
    )
    voxel_size: tuple[float, ...] | None = field(
        help="Size of a voxel in `units`, per spatial axis.", default=None, check=positive
    )
    offset: tuple[float, ...] | None = field(
        help="World position of the array's lower corner in `units`, per spatial axis.", default=None
    )
    units: str | None = field(help="Unit of all world coordinates: nm, pm, um, mm …", default=None)
    storage_options: dict[str, bool | int | float | str] = field(
        help="Options of fsspec for a URL, such as endpoint_url or anon; never credentials.", factory=dict
    )


class ZarrArray(StoredArray):
    """A zarr array on disk. Without units of its own, its world coordinates are in ``"voxel"`` units.

    Raises
    ------
    DataError
        If the array is missing, or its shape, axes and voxel size don't fit each other.
    ConfigError
        If voxel size or offset are not whole in the units.
    """

    source: FileSource

    def __init__(self, array_config: ZarrArrayConfig) -> None:
        mode = "r" if array_config.mode == "r" else "r+"
        name, dataset = array_config.file_name, array_config.dataset
        source = open_source(name, dataset, "zarr", mode, **reading_options(array_config))
        frame = find_frame(
            source.shape,
            stated(array_config),
            source.metadata,
            what=f"{name}/{dataset}",
            select=array_config.select,
            unitless=True,
        )
        super().__init__(source, frame, _snapped(frame.roi(source.shape), frame.voxel_size, array_config.snap_to_grid))
        self.config = array_config

    @property
    def mode(self) -> str | None:
        """The mode in which it was opened: ``"r"`` only reads."""
        return self.config.mode

    @property
    def attrs(self) -> dict[str, Any]:
        """Attributes of the zarr array."""
        return self.source.attrs

    def add_metadata(self, metadata: dict[str, Any]) -> None:
        """Add attributes to the stored array.

        Raises
        ------
        DataError
            If it was opened for reading only.
        """
        if not self.writable:
            raise DataError(f"{self} is read-only: attributes can't be added; open it with mode 'a'")
        self.source.array.attrs.update(metadata)

    @classmethod
    def open_from_array_identifier(cls, array_identifier: Any, name: str = "") -> "ZarrArray":
        """Open an array that `create_from_array_identifier` made.

        Parameters
        ----------
        array_identifier
            Has a `container`, the path, and a `dataset`, the name inside.
        name
            Name of the array.
        """
        return cls(ZarrArrayConfig(name=name, file_name=array_identifier.container, dataset=array_identifier.dataset))

    @classmethod
    def create_from_array_identifier(  # noqa: PLR0913 - all that a stored array is
        cls,
        array_identifier: Any,
        axes: Sequence[str],
        roi: Roi,
        num_channels: int | None,
        voxel_size: Coordinate,
        dtype: DTypeLike,
        mode: str = "a",
        write_size: Coordinate | None = None,
        name: str | None = None,
        overwrite: bool = False,
        units: str = "voxel",
    ) -> "ZarrArray":
        """Create an OME-Zarr image of zeros and open it.

        The group `dataset` carries the metadata, version 0.5, and its array ``s0`` the voxels. New containers are
        zarr version 3; an existing one keeps its version, and images in version 2 have metadata of version 0.4.
        Chunks hold about 64³ voxels of one channel, compressed with zstd, and shards several of them.

        Parameters
        ----------
        array_identifier
            Has a `container`, the path, and a `dataset`, the name inside.
        axes
            Names of the axes; ``"c"`` first where there are channels.
        roi
            World units: the region it covers.
        num_channels
            Number of channels; None without a channel axis.
        voxel_size
            World units.
        dtype
            Type of the voxels.
        mode
            ``"a"`` creates; ``"w"`` replaces what is there, as `overwrite` does.
        write_size
            World units: regions of this size, from the array's corner on, never share a chunk or shard, so they can
            be written at the same time. Without it one process writes at a time, best all of it or large regions.
        name
            Name of the array.
        overwrite
            Replace an image or array of the same name. The rest of the container stays.
        units
            Unit of the world coordinates.

        Raises
        ------
        DataError
            If the image exists and is not to be replaced, or region or write size are no multiples of the voxel size.
        """
        voxel_size = coordinate(voxel_size)
        channels = () if num_channels is None else (num_channels,)
        _check_layout(axes, roi, channels, voxel_size)
        spatial = roi.shape / voxel_size
        layout = chunk_layout(spatial, write_size and _voxels(coordinate(write_size), voxel_size))
        create_image(
            array_identifier.container,
            array_identifier.dataset.strip("/"),
            shape=(*channels, *spatial),
            dtype=dtype,
            geometry=Geometry(tuple(axes), _decimals(voxel_size), _decimals(roi.begin), canonical(units)),
            chunks=(*(1 for _ in channels), *layout.chunks),
            shards=layout.shards and (*(1 for _ in channels), *layout.shards),
            attributes=_funlib_attributes(axes, roi, voxel_size, units),
            overwrite=overwrite or mode == "w",
        )
        return cls.open_from_array_identifier(array_identifier, name or "")


ZarrArrayConfig.array_type = ZarrArray


def _snapped(roi: Roi, voxel_size: Coordinate, grid: Coordinate | None) -> Roi:
    if grid is None:
        return roi
    snapped = roi.snap_to_grid(grid, mode="shrink")
    if snapped.empty:
        raise DataError(f"the region {roi} holds no voxel of the grid {grid}; choose a smaller snap_to_grid")
    if any((snapped.begin - roi.begin) % voxel_size) or any(snapped.shape % voxel_size):
        raise DataError(
            f"the region {roi} with voxels of {voxel_size} can't be snapped to a grid of {grid}: borders "
            "would lie between voxels; use a multiple of the voxel size"
        )
    return snapped


def _check_layout(axes: Sequence[str], roi: Roi, channels: tuple[int, ...], voxel_size: Coordinate) -> None:
    if any(roi.shape % voxel_size):
        raise DataError(f"the region {roi} is no multiple of the voxel size {voxel_size}; snap it to the voxels first")
    if len(axes) != len(channels) + roi.dims or ("c" in axes[:1]) != bool(channels) or "c" in axes[1:]:
        shown = f"{channels[0]} channels" if channels else "no channels (num_channels=None)"
        raise DataError(
            f"axes {list(axes)} don't fit a region of {roi.dims} axes with {shown}; name every axis, 'c' first "
            "where there are channels"
        )


def _voxels(write_size: Coordinate, voxel_size: Coordinate) -> Coordinate:
    if len(write_size) != len(voxel_size) or any(write_size % voxel_size) or min(write_size) < 1:
        raise DataError(f"write_size {write_size} is no multiple of the voxel size {voxel_size}; give whole voxels")
    return write_size / voxel_size


def _funlib_attributes(axes: Sequence[str], roi: Roi, voxel_size: Coordinate, units: str) -> dict[str, Any]:
    return {
        "axis_names": list(axes),
        "offset": list(roi.begin),
        "voxel_size": list(voxel_size),
        "units": [canonical(units)] * roi.dims,
    }


def _decimals(numbers: Coordinate) -> tuple[Decimal, ...]:
    return tuple(map(Decimal, numbers))
