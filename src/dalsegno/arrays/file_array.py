"""An array in any file format that the sources know."""

from typing import Any

from upath import UPath

from dalsegno.arrays.array import ArrayConfig
from dalsegno.arrays.frame import find_frame, stated
from dalsegno.arrays.stored_array import StoredArray
from dalsegno.config import config, field, positive
from dalsegno.sources import FileSource, open_source

__all__ = ["FileArray", "FileArrayConfig"]


@config
class FileArrayConfig(ArrayConfig):
    """An array in any known file format: TIFF, a folder of section images, NIfTI, zarr.

    Values that are given win over those of the file's header.
    """

    file_name: UPath = field(help="The file, or a folder of section images.")
    dataset: str | None = field(
        help="Name of the array where the file holds several; a pattern such as '*.tif' for a folder of images.",
        default=None,
    )
    axes: tuple[str, ...] | None = field(
        help="Names of the axes in the order in which they are stored; 'c' for channels.", default=None
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
        source = open_source(array_config.file_name, array_config.dataset)
        super().__init__(
            source, find_frame(source.shape, stated(array_config), source.metadata, what=str(array_config.file_name))
        )
        self.config = array_config

    @property
    def attrs(self) -> dict[str, Any]:
        """Attributes of the file."""
        return self.source.attrs


FileArrayConfig.array_type = FileArray
