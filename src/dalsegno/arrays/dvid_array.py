"""An array on a DVID server."""

from typing import Any

from dalsegno.arrays import stored_array_fields as shared
from dalsegno.arrays.array import ArrayConfig
from dalsegno.arrays.frame import find_frame, stated
from dalsegno.arrays.stored_array import StoredArray
from dalsegno.config import config, field
from dalsegno.errors import DataError
from dalsegno.sources import DVIDSource

__all__ = ["DVIDArray", "DVIDArrayConfig"]


def _no_credentials(source: tuple[str, str, str]) -> str | None:
    return shared.no_credentials(next(iter(source), ""))


@config
class DVIDArrayConfig(ArrayConfig):
    """An array on a DVID server: images or labels, axes (z, y, x).

    Values that are given win over those that the server knows.
    """

    source: tuple[str, str, str] = field(
        help="Address of the server, http://host:port; UUID of the version; name of the data instance.",
        check=_no_credentials,
    )
    axes: tuple[str, ...] | None = shared.AXES
    voxel_size: tuple[float, ...] | None = shared.VOXEL_SIZE
    offset: tuple[float, ...] | None = shared.OFFSET
    units: str | None = shared.UNITS


class DVIDArray(StoredArray):
    """An array on a DVID server, read only. `origins` tells where axes, voxel size, offset and units come from.

    Raises
    ------
    DataError
        If the server can't be reached, or knows no such voxels.
    ConfigError
        If voxel size or offset are not whole in the units; the message names the unit in which they are.
    """

    source: DVIDSource

    def __init__(self, array_config: DVIDArrayConfig) -> None:
        source = DVIDSource(*array_config.source)
        what = "/".join(array_config.source)
        super().__init__(source, find_frame(source.shape, stated(array_config), source.metadata, what=what))
        self.config = array_config

    @property
    def attrs(self) -> dict[str, Any]:
        """What the server says about the data: its extents, voxel size, type and more."""
        return self.source.info

    def add_metadata(self, metadata: dict[str, Any]) -> None:
        """Refuse: nothing is written to servers.

        Raises
        ------
        DataError
            Always.
        """
        raise DataError(
            f"{self} is read-only: {sorted(metadata)} can't be added on a DVID server; keep it beside a copy in zarr"
        )


DVIDArrayConfig.array_type = DVIDArray
