"""Asking a DVID server."""

import http.client
import time
from contextlib import suppress
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

from dalsegno.errors import DataError
from dalsegno.sources.errors import ArrayMissing, SourceError
from dalsegno.sources.storage.credentials import check_no_credentials

__all__ = ["get", "server_url"]

_ATTEMPTS = 4
_FIRST_WAIT = 0.1  # seconds; twice as long each time
_BUSY = (502, 503, 504)
_UNKNOWN = (400, 404)
_BROKEN = (ConnectionResetError, BrokenPipeError, http.client.IncompleteRead, http.client.RemoteDisconnected)


def server_url(server: str) -> str:
    """Return the address of a server with its scheme: ``"emdata:8000"`` is ``"http://emdata:8000"``.

    Raises
    ------
    SourceError
        If it is no address of a web server, or holds credentials; a `ValueError`.
    """
    url = (server if "://" in server else f"http://{server}").rstrip("/")
    check_no_credentials(url)
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc:
        raise SourceError(f"{server!r} is no address of a DVID server; write it as http://host:port")
    return url


def get(url: str, timeout: float) -> bytes:
    """Return what a server answers; a server that is busy, or breaks off, is asked again a few times.

    Parameters
    ----------
    url
        What is asked for.
    timeout
        How long the server may be silent, in seconds.

    Raises
    ------
    ArrayMissing
        If the server says that there is no such thing; a `KeyError` with the server's own words.
    DataError
        If the server can't be reached, is silent, stays busy, or refuses.
    """
    for attempt in range(_ATTEMPTS):
        time.sleep(_FIRST_WAIT * 2 ** (attempt - 1) if attempt else 0)
        try:
            with urlopen(url, timeout=timeout) as answer:
                return bytes(answer.read())
        except HTTPError as error:
            problem = _refusal(url, error)
            if error.code not in _BUSY:
                raise problem from error
        except (OSError, http.client.HTTPException) as error:
            cause = error.reason if isinstance(error, URLError) else error
            problem = _failure(url, cause, timeout)
            if not isinstance(cause, _BROKEN):
                raise problem from error
    raise problem


def _refusal(url: str, error: HTTPError) -> DataError:
    words = ""
    with error, suppress(OSError, http.client.HTTPException):
        words = error.read(500).decode("utf-8", "replace").strip()
    text = f"{url}: the DVID server answers {error.code} {error.reason}{': ' * bool(words)}{words}"
    if error.code in _UNKNOWN:
        return ArrayMissing(f"{text}; check the uuid, the name of the data, and the region")
    return DataError(f"{text}; try again later" if error.code in _BUSY else text)


def _failure(url: str, cause: object, timeout: float) -> DataError:
    if isinstance(cause, TimeoutError):
        return DataError(f"{url}: the DVID server was silent for {timeout:g} s; try again later, or raise `timeout`")
    if isinstance(cause, _BROKEN):
        return DataError(f"{url}: the DVID server broke off {_ATTEMPTS} times ({cause!r}); try again later")
    return DataError(f"{url}: the DVID server can't be reached ({cause}); check the address, and that it is up")
