"""No credentials in what is kept: URLs and storage options stand in specs and in stored experiments."""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from dalsegno.sources.errors import SourceError

__all__ = ["check_no_credentials"]

_SECRETS = {"auth", "authorization", "bearer", "cookie", "credential", "credentials", "jwt", "key", "login", "pass"}
_SECRETS |= {"passphrase", "passwd", "password", "pwd", "sas", "secret", "sig", "signature", "token", "username"}
_RUN_TOGETHER = re.compile("apikey|accesskey|accountkey|secretkey|password|token$")
_NO_SECRET_NAMES = ("signature_version",)
_NO_SECRETS = (None, "", False, "anon", "google_default", "cloud")

_LOGIN = re.compile(r"(?P<scheme>\w+)://(?P<login>[^/?#]*)@")
_PARAMETER = re.compile(r"[?&;#]([^=&;#/]+)=[^&;#]")
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def check_no_credentials(place: str, storage_options: Mapping[str, Any] | None = None) -> None:
    """Check that neither a URL nor the storage options hold credentials.

    Parameters
    ----------
    place
        The URL, also one of several that are chained; or a local path, which may be called as it likes.
    storage_options
        Options of fsspec.

    Raises
    ------
    SourceError
        If they do; a `ValueError` that says where credentials belong, and does not repeat them.
    """
    found = [f"{what} in the URL" for what in _in_url(place)] + list(_in_options(storage_options or {}, ""))
    if found:
        raise SourceError(
            f"{_without_credentials(place)}: credentials ({', '.join(found)}) would be stored wherever this source is "
            "described; put them into environment variables (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
            "FSSPEC_S3_KEY ...), an AWS profile (storage_options={'profile': name}), or fsspec's config folder "
            "~/.config/fsspec"
        )


def _in_url(url: str) -> Iterator[str]:
    if "://" not in url:
        return
    for match in _LOGIN.finditer(url):
        # elsewhere what stands before @ is no secret: a container of Azure, the user of an ssh server
        if ":" in match["login"]:
            yield "user and password"
        elif match["scheme"].lower() in ("http", "https"):
            yield "user or token"
    for name in _PARAMETER.findall(unquote(url)):
        if _is_secret(name):
            yield f"{name}="


def _in_options(value: Any, name: str) -> Iterator[str]:
    """Give the names of the options that hold credentials: in nested mappings, lists of pairs, and URLs."""
    if isinstance(value, (list, tuple)) and value and all(_is_pair(one) for one in value):
        value = dict(value)
    if isinstance(value, Mapping):
        for inside, one in value.items():
            full = f"{name}.{inside}".lstrip(".")
            if _is_secret(str(inside)) and not isinstance(one, Mapping) and one not in _NO_SECRETS:
                yield full
            else:
                yield from _in_options(one, full)
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _in_options(one, name)
    elif isinstance(value, str):
        yield from (f"{what} in {name}" for what in _in_url(value))


def _is_pair(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and len(value) == 2 and isinstance(value[0], str)


def _is_secret(name: str) -> bool:
    words = [word.lower() for word in _WORDS.findall(name)]
    if "_".join(words) in _NO_SECRET_NAMES:
        return False
    named = words in (["user"], ["connection", "string"]) or not _SECRETS.isdisjoint(words)
    return named or any(_RUN_TOGETHER.search(word) for word in words)


def _without_credentials(place: str) -> str:
    if "://" not in place:
        return place
    return re.split("[?;#]", _LOGIN.sub(r"\g<scheme>://", place))[0]
