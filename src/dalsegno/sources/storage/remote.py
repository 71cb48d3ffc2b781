"""Stored voxels by URL, through fsspec."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from dalsegno.errors import DataError
from dalsegno.sources.errors import FileMissing, SourceError
from dalsegno.sources.storage.credentials import check_no_credentials

__all__ = ["file_system", "is_in_memory", "is_refusal", "is_url", "open_binary", "reaching"]

_EXTRAS = {"s3": "s3", "s3a": "s3", "http": "http", "https": "http"}
_PACKAGES = {"gs": "gcsfs", "gcs": "gcsfs", "az": "adlfs", "abfs": "adlfs"}


_LIBRARIES = ("aiohttp", "aiobotocore", "botocore", "gcsfs", "adlfs", "azure", "requests", "urllib3", "google")


def is_url(path: str) -> bool:
    """Return whether a path is a URL: ``"s3://bucket/a.zarr"``."""
    return "://" in path


def is_in_memory(url: str) -> bool:
    """Return whether a URL names something in the memory of this process."""
    return any(part.startswith("memory://") for part in url.split("::"))


def is_refusal(error: Exception) -> bool:
    """Return whether a file system says that one may not read, rather than that it can't be read."""
    refused = isinstance(error, PermissionError) or getattr(error, "status", None) in (401, 403)
    return refused or "Credentials" in type(error).__name__


@contextmanager
def reaching(url: str, *, advice: str = "is the server up?") -> Iterator[None]:
    """Turn what file systems raise while they open or read a URL into an error that names it.

    Parameters
    ----------
    url
        What is read.
    advice
        What the user may do where the server can't be reached, or refuses.

    Raises
    ------
    FileMissing
        If nothing is stored there; a `FileNotFoundError`.
    DataError
        If it can't be read.
    """
    try:
        yield
    except DataError:
        raise
    except Exception as error:
        if isinstance(error, FileNotFoundError) and not _is_connection_error(error.__cause__):
            raise FileMissing(f"nothing is stored at {url}; check the URL and the storage options") from error
        if is_refusal(error):
            advice = "give credentials in the environment, or storage_options={'anon': True} where none are needed"
        elif isinstance(error, TypeError) and "keyword argument" in str(error):
            advice = "there is no such storage option"
        elif not isinstance(error, OSError) and type(error).__module__.partition(".")[0] not in _LIBRARIES:
            raise
        told = error.__cause__ if isinstance(error, FileNotFoundError) else error
        raise DataError(f"{url} can't be read: {type(told).__name__}: {told}; {advice}") from error


def _is_connection_error(cause: BaseException | None) -> bool:
    """Return whether a file is called missing only since its server did not answer."""
    return isinstance(cause, OSError) and not isinstance(cause, FileNotFoundError) and not hasattr(cause, "status")


def file_system(url: str, storage_options: Mapping[str, Any] | None = None) -> Any:
    """Return the fsspec file system of a URL.

    Raises
    ------
    SourceError
        If the options hold credentials, or there is no such kind of URL; a `ValueError`.
    DataError
        If the package that reads such URLs is not installed; the message says how to install it.
    """
    import fsspec

    check_no_credentials(url, storage_options)
    scheme = url.partition("://")[0]
    try:
        system, _ = fsspec.core.url_to_fs(url, **(storage_options or {}))
    except ImportError as error:
        install = f"'dalsegno[{_EXTRAS[scheme]}]'" if scheme in _EXTRAS else _PACKAGES.get(scheme, f"({error})")
        raise DataError(f"{url}: the package that reads {scheme}:// is not installed: pip install {install}") from error
    except (ValueError, TypeError) as error:
        raise SourceError(f"{url} with options {sorted(storage_options or {})} can't be opened: {error}") from error
    return system


def open_binary(url: str, storage_options: Mapping[str, Any] | None = None) -> Any:
    """Open a file by URL for reading; only what is read is fetched.

    Parameters
    ----------
    url
        ``"s3://bucket/a.h5"``, ``"https://…"``.
    storage_options
        Options of fsspec for this kind of URL.

    Returns
    -------
    file
        A binary file that can be searched.

    Raises
    ------
    FileMissing
        If nothing is stored there; a `FileNotFoundError`.
    DataError
        If the server can't be reached, or the package for such URLs is not installed.
    """
    system = file_system(url, storage_options)
    with reaching(url):
        return system.open(url, "rb")
