"""An array in any file format that the sources know."""

from typing import Any

from upath import UPath

from dalsegno.arrays import stored_array_fields as shared
from dalsegno.arrays.array import ArrayConfig
from dalsegno.arrays.frame import find_frame, stated
from dalsegno.arrays.stored_array import StoredArray, reading_options
from dalsegno.config import config, field
from dalsegno.sources import FileSource, open_source

__all__ = ["FileArray", "FileArrayConfig"]


def _no_field(options: dict[str, Any]) -> str | None:
    if "mode" in options:
        return "'mode' is no option of a format: files are read only here; write to a ZarrArray instead"
    own = sorted({"format", "level", "storage_options"} & set(options))
    return f"{own[0]!r} is no option of a format; write it as a field of the array" if own else None


@config
class FileArrayConfig(ArrayConfig):
    """An array in any known file format: TIFF, HDF5, N5, MRC, NIfTI, a folder of section images, zarr and others.

    Values that are given win over those of the file's header.
    """

    file_name: UPath = field(
        help="The file, or a folder of section images; a URL where the format reads them.", check=shared.no_credentials
    )
    dataset: str | None = field(
        help="Name of the array where the file holds several; a pattern such as '*.tif' for a folder of images.",
        default=None,
    )
    format: str | None = field(
        help="Name of the format, such as tiff or hdf5; the extension tells it if not given.", default=None
    )
    level: int | None = shared.LEVEL
    options: dict[str, bool | int | float | str] = field(
        help="Further options of the format.", factory=dict, check=_no_field
    )
    storage_options: shared.StorageOptions = shared.STORAGE_OPTIONS
    axes: tuple[str, ...] | None = shared.AXES
    select: dict[str, int] = shared.SELECT
    voxel_size: tuple[float, ...] | None = shared.VOXEL_SIZE
    offset: tuple[float, ...] | None = shared.OFFSET
    units: str | None = shared.UNITS


class FileArray(StoredArray):
    """An array in a file, read only. `origins` tells where axes, voxel size, offset and units come from.

    Raises
    ------
    DataError
        If the file is missing or unreadable, axes don't fit the shape, or a voxel size has no unit.
    ConfigError
        If voxel size or offset are not whole in the units; the message names the unit in which they are.
    """

    source: FileSource

    def __init__(self, array_config: FileArrayConfig) -> None:
        options: dict[str, Any] = {**array_config.options, **reading_options(array_config)}
        name = array_config.file_name
        source = open_source(name, array_config.dataset, array_config.format, **options)
        frame = find_frame(
            source.shape, stated(array_config), source.metadata, what=str(name), select=array_config.select
        )
        super().__init__(source, frame)
        self.config = array_config

    @property
    def attrs(self) -> dict[str, Any]:
        """Attributes of the file."""
        return self.source.attrs


FileArrayConfig.array_type = FileArray
