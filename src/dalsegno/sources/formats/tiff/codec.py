"""Which compressions can be read with what is installed."""

from typing import Any

from dalsegno.errors import DataError

__all__ = ["check_codec"]


def check_codec(page: Any, path: str) -> None:
    """Check that the compression of a page can be read with what is installed.

    Raises
    ------
    DataError
        If it can't; the message names the package that can.
    """
    from tifffile import TIFF

    try:
        TIFF.DECOMPRESSORS[page.compression]
        TIFF.UNPREDICTORS[page.predictor]
    except KeyError as error:
        name = getattr(page.compression, "name", page.compression)
        raise DataError(
            f"{path} is compressed with {name}, which tifffile reads with the package imagecodecs only: "
            "pip install 'dalsegno[tiff]', or save it uncompressed or with zlib"
        ) from error
