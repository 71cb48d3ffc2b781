"""An array in any file format that the sources know."""

from typing import Any

from upath import UPath

from dalsegno.arrays.array import ArrayConfig
from dalsegno.arrays.frame import find_frame, stated
from dalsegno.arrays.stored_array import StoredArray, reading_options
from dalsegno.config import config, field, not_negative, positive
from dalsegno.sources import FileSource, open_source

__all__ = ["FileArray", "FileArrayConfig"]


Option = bool | int | float | str


def _no_field(options: dict[str, Option]) -> str | None:
    own = sorted({"format", "level", "mode", "storage_options"} & set(options))
    return f"{own[0]!r} is no option of a format; write it as a field of the array" if own else None


@config
class FileArrayConfig(ArrayConfig):
    """An array in any known file format: TIFF, HDF5, N5, MRC, NIfTI, a folder of section images, zarr and others.

    Values that are given win over those of the file's header.
    """

    file_name: UPath = field(help="The file, or a folder of section images; a URL where the format reads them.")
    dataset: str | None = field(
        help="Name of the array where the file holds several; a pattern such as '*.tif' for a folder of images.",
        default=None,
    )
    format: str | None = field(
        help="Name of the format, such as tiff or hdf5; the extension tells it if not given.", default=None
    )
    level: int | None = field(
        help="Resolution level of an image that has several; 0 is the finest.", default=None, check=not_negative
    )
    options: dict[str, Option] = field(help="Further options of the format.", factory=dict, check=_no_field)
    storage_options: dict[str, Option] = field(
        help="Options of fsspec for a URL, such as endpoint_url or anon; never credentials.", factory=dict
    )
    axes: tuple[str, ...] | None = field(
        help="Names of the axes in the order in which they are stored; 'c' for channels.", default=None
    )
    select: dict[str, int] = field(
        help="The position on axes that are not shown: {t: 3} is the fourth time point, {c: 0} the first channel.",
        factory=dict,
    )
    voxel_size: tuple[float, ...] | None = field(
        help="Size of a voxel in `units`, per spatial axis; whole numbers.", default=None, check=positive
    )
    offset: tuple[float, ...] | None = field(
        help="World position of the array's lower corner in `units`, per spatial axis.", default=None
    )
    units: str | None = field(help="Unit of all world coordinates: nm, pm, um, mm …", default=None)


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
