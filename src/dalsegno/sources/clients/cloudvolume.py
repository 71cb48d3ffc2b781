"""Layers that are opened with the library cloud-volume, and its errors in our words."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dalsegno.errors import DataError
from dalsegno.sources.errors import ArrayMissing, FileMissing

__all__ = ["cloud_volume", "reading_layer"]

_COLORS = re.compile(r"\x1b\[[0-9;]*m")


def cloud_volume(cloudpath: str, **params: Any) -> Any:
    """Return an open ``CloudVolume``.

    Raises
    ------
    FileMissing
        If there is no such layer; a `FileNotFoundError`.
    ArrayMissing
        If the layer has no such mip; a `KeyError`.
    DataError
        If the layer can't be opened, or cloud-volume is not installed.
    """
    try:
        from cloudvolume import CloudVolume
        from cloudvolume.exceptions import InfoUnavailableError, ScaleUnavailableError
    except ImportError as error:
        raise DataError(
            f"{cloudpath} is read with cloud-volume, which is not installed: pip install 'dalsegno[cloudvolume]'"
        ) from error
    try:
        return CloudVolume(cloudpath, **{"progress": False, **params})
    except InfoUnavailableError as error:
        raise FileMissing(f"there is no layer at {cloudpath}: it has no info file; check the path") from error
    except ScaleUnavailableError as error:
        raise ArrayMissing(f"{cloudpath} has no mip {params.get('mip')}: {_message(error)}") from error
    except TypeError:
        raise  # a parameter that CloudVolume does not have
    except Exception as error:
        raise DataError(f"{cloudpath} can't be opened: {_message(error)}") from error


@contextmanager
def reading_layer(volume: Any) -> Iterator[None]:
    """Turn what cloud-volume raises while it reads or writes into an error that names the layer.

    Raises
    ------
    DataError
        Instead of what the library raised.
    """
    from cloudvolume.exceptions import AlignmentError, EmptyVolumeException

    try:
        yield
    except EmptyVolumeException as error:
        raise DataError(
            f"the chunk {error} of {volume.cloudpath} is not stored; fill_missing=True takes zeros for such chunks"
        ) from error
    except AlignmentError as error:
        raise DataError(
            f"only whole chunks of {volume.cloudpath} can be written; open it with non_aligned_writes=True"
        ) from error
    except Exception as error:
        raise DataError(
            f"{volume.cloudpath} at mip {volume.mip} can't be read or written: {type(error).__name__}: "
            f"{_message(error)}; is it complete?"
        ) from error


def _message(error: Exception) -> str:
    return _COLORS.sub("", str(error)).strip()
