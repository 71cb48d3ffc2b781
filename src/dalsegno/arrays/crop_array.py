"""A part of an array."""

from typing import Any

from funlib.geometry import Roi
from numpy.typing import NDArray

from dalsegno.arrays.array import ArrayConfig
from dalsegno.arrays.array_view import ArrayView
from dalsegno.config import config, field
from dalsegno.errors import DataError

__all__ = ["CropArray", "CropArrayConfig"]


@config
class CropArrayConfig(ArrayConfig):
    """A part of an array."""

    source_array_config: ArrayConfig = field(help="The array to crop.")
    roi: Roi = field(help="The part, in world units; inside the array and aligned to its voxels.")


class CropArray(ArrayView):
    """A part of an array. Writing writes the source.

    Raises
    ------
    DataError
        If the part is not inside the source or not aligned to its voxels.
    """

    def __init__(self, array_config: CropArrayConfig) -> None:
        super().__init__(array_config.source_array_config.open())
        self.config = array_config
        if array_config.roi.empty:
            raise DataError(f"the crop {array_config.roi} is empty; give it a shape above 0")
        self.source_array.check_region(array_config.roi)

    @property
    def roi(self) -> Roi:
        """The part, in world units."""
        return self.config.roi

    @property
    def attrs(self) -> dict[str, Any]:
        """Attributes of the source, whose very voxels are shown."""
        return self.source_array.attrs

    @property
    def writable(self) -> bool:
        """Whether the source can be written."""
        return self.source_array.writable

    def _write(self, roi: Roi, value: NDArray[Any]) -> None:
        self.source_array[roi] = value


CropArrayConfig.array_type = CropArray
