"""Fields that the configs of stored arrays share."""

from typing import Any

from dalsegno.config import field, finite, not_negative, positive
from dalsegno.sources.errors import SourceError
from dalsegno.sources.storage.credentials import check_no_credentials

__all__ = [
    "AXES",
    "LEVEL",
    "OFFSET",
    "SELECT",
    "STORAGE_OPTIONS",
    "UNITS",
    "VOXEL_SIZE",
    "StorageOptions",
    "no_credentials",
]

StorageOptions = dict[str, bool | int | float | str]


def no_credentials(path: Any) -> str | None:
    """Check that neither a path or URL nor the options that it brings hold credentials: configs are stored."""
    return _credentials(str(path), getattr(path, "storage_options", {}))


def _no_credentials_in(options: StorageOptions) -> str | None:
    return _credentials("these options", options)


def _credentials(place: str, options: Any) -> str | None:
    try:
        check_no_credentials(place, options)
    except SourceError as error:
        return str(error)
    return None


AXES = field(help="Names of the axes in the order in which they are stored; 'c' for channels.", default=None)
LEVEL = field(
    help="Resolution level of an image that has several; 0, the finest, if not given.", default=None, check=not_negative
)
OFFSET = field(
    help="World position of the array's lower corner in `units`, per spatial axis; whole numbers.",
    default=None,
    check=finite,
)
SELECT = field(
    help="The position on axes that are not shown: {t: 3} is the fourth time point, {c: 0} the first channel.",
    factory=dict,
)
STORAGE_OPTIONS = field(
    help="Options of fsspec for a URL, such as endpoint_url or anon; never credentials.",
    factory=dict,
    check=_no_credentials_in,
)
UNITS = field(help="Unit of all world coordinates: nm, pm, um, mm …", default=None)
VOXEL_SIZE = field(help="Size of a voxel in `units`, per spatial axis; whole numbers.", default=None, check=positive)
