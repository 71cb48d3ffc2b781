"""A zarr array on disk."""

from collections.abc import Sequence
from typing import Any

from funlib.geometry import Coordinate, Roi
from numpy.typing import DTypeLike
from upath import UPath

from dalsegno.arrays import stored_array_fields as shared
from dalsegno.arrays.array import ArrayConfig
from dalsegno.arrays.frame import find_frame, stated
from dalsegno.arrays.new_image import NewImage
from dalsegno.arrays.stored_array import StoredArray, reading_options
from dalsegno.config import config, field, one_of, positive
from dalsegno.errors import DataError
from dalsegno.sources import FileSource, open_source
from dalsegno.sources.formats.zarr.image import create_image, remove_image

__all__ = ["ZarrArray", "ZarrArrayConfig"]


@config
class ZarrArrayConfig(ArrayConfig):
    """A zarr array on disk, version 2 or 3. Values that are given win over the array's attributes."""

    file_name: UPath = field(help="Path or URL of the zarr container.", check=shared.no_credentials)
    dataset: str = field(
        help="Name of an array in the container, such as 'volumes/raw', or of an OME-Zarr image; empty for the root."
    )
    level: int | None = shared.LEVEL
    snap_to_grid: Coordinate | None = field(
        help="World units: shrink the region until it begins and ends on multiples of this.",
        default=None,
        check=positive,
    )
    axes: tuple[str, ...] | None = shared.AXES
    mode: str | None = field(
        help="'r' only reads; the others may write too. Opening never creates anything.",
        default="a",
        check=one_of("r", "r+", "a", "w"),
    )
    select: dict[str, int] = shared.SELECT
    voxel_size: tuple[float, ...] | None = shared.VOXEL_SIZE
    offset: tuple[float, ...] | None = shared.OFFSET
    units: str | None = shared.UNITS
    storage_options: shared.StorageOptions = shared.STORAGE_OPTIONS


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
        """A copy of the zarr array's attributes: changing it stores nothing, `add_metadata` does."""
        return self.source.attrs

    def add_metadata(self, metadata: dict[str, Any]) -> None:
        """Add attributes to the stored array.

        Parameters
        ----------
        metadata
            Plain values, as JSON has them, or numbers and arrays of numpy, which are stored as such.

        Raises
        ------
        DataError
            If it was opened for reading only, or a value is of another kind; then none is stored.
        """
        if not self.writable:
            raise DataError(f"{self} is read-only: attributes can't be added; open it with mode 'a'")
        self.source.array.attrs.update(metadata)

    def discard(self) -> None:
        """Remove the stored image or array, whose voxels are not what they should be; it can't be read any more.

        The rest of the container stays, groups around the voxels included.

        Raises
        ------
        DataError
            If it was opened for reading only, or can't be removed.
        """
        if not self.writable:
            raise DataError(f"{self} is read-only: its voxels can't be removed; open it with mode 'a'")
        remove_image(self.config.file_name, self.config.dataset)

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
        Chunks hold about 64³ voxels of one channel, compressed with zstd; in version 3, a shard is a file that holds
        several of them.

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
            be written at the same time; 256 voxels divide better than 257. Without it one process writes at a time.
        name
            Name of the array.
        overwrite
            Replace the image of this name with all its levels, or an array of this name, or an array ``s0`` in a group
            of this name. The rest of the group and of the container stays.
        units
            Unit of the world coordinates.

        Raises
        ------
        DataError
            If the image exists and is not to be replaced, or can't be as it is described; then nothing is written. Of
            several processes that create the same image in a local container, all but one get this error.
        """
        if mode not in ("a", "w"):
            raise DataError(f"mode {mode!r} is none of 'a', which creates, and 'w', which replaces; give one of them")
        image = NewImage(axes, roi, num_channels, voxel_size, dtype, units)
        layout = image.layout(write_size)
        create_image(
            array_identifier.container,
            array_identifier.dataset.strip("/"),
            shape=image.shape,
            dtype=image.dtype,
            geometry=image.geometry,
            chunks=layout.chunks,
            shards=layout.shards,
            attributes=image.attributes,
            overwrite=overwrite or mode == "w",
        )
        return cls.open_from_array_identifier(array_identifier, name or "")


ZarrArrayConfig.array_type = ZarrArray


def _snapped(roi: Roi, voxel_size: Coordinate, grid: Coordinate | None) -> Roi:
    if grid is None:
        return roi
    if len(grid) != roi.dims:
        raise DataError(
            f"snap_to_grid {grid} has {len(grid)} numbers, but the region {roi} has {roi.dims} axes; give one for each"
        )
    snapped = roi.snap_to_grid(grid, mode="shrink")
    if snapped.empty:
        raise DataError(f"the region {roi} holds no voxel of the grid {grid}; choose a smaller snap_to_grid")
    if any((snapped.begin - roi.begin) % voxel_size) or any(snapped.shape % voxel_size):
        raise DataError(
            f"the region {roi} with voxels of {voxel_size} can't be snapped to a grid of {grid}: borders "
            "would lie between voxels; use a multiple of the voxel size"
        )
    return snapped
