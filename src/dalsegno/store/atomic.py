"""Writing so that nothing half-written is ever read.

A file or folder is written beside its place and renamed into it. What was there before a failed write
is there after it.
"""

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from dalsegno.errors import StoreError, StoreFull

__all__ = ["create_text", "make_folder", "replacing_directory", "store_errors", "write_bytes", "write_text"]

_FULL = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "the file would be larger than is allowed",
}


@contextmanager
def store_errors(path: Path) -> Iterator[None]:
    """Turn errors of the file system into errors that say what to do.

    Raises
    ------
    StoreFull
        If there is no room.
    StoreError
        If the path can't be written or read for another reason. `FileNotFoundError` and
        `FileExistsError`, which callers can answer, pass.
    """
    try:
        yield
    except (FileNotFoundError, FileExistsError):
        raise
    except OSError as error:
        if error.errno in _FULL:
            raise StoreFull(
                f"{path} was not written: {_FULL[error.errno]}; what was stored before is whole: "
                f"make room, or move the store (DALSEGNO_STORE), and go on"
            ) from error
        raise _unusable(path, error) from error


def make_folder(path: Path) -> None:
    """Make a folder, and those above it, where there is none.

    Raises
    ------
    StoreError
        If it can't be made; `StoreFull` if there is no room.
    """
    with store_errors(path):
        try:
            path.mkdir(parents=True, exist_ok=True)
        except (FileNotFoundError, FileExistsError) as error:  # a file is there, or what takes no folders, as /proc
            raise _unusable(path, error) from error


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file whole, in place of what was there.

    Raises
    ------
    StoreError
        If it can't be written; `StoreFull` if there is no room.
    """
    with store_errors(path):
        make_folder(path.parent)
        with _written_beside(path, data) as beside:
            beside.replace(path)
        _sync(path.parent)


def write_text(path: Path, text: str) -> None:
    """Write a file whole, in UTF-8; see `write_bytes`."""
    write_bytes(path, text.encode())


def create_text(path: Path, text: str) -> None:
    """Write a file whole where there is none; of several processes that try, one does.

    Raises
    ------
    FileExistsError
        If there is one already.
    StoreError
        If it can't be written; `StoreFull` if there is no room.
    """
    with store_errors(path):
        make_folder(path.parent)
        with _written_beside(path, text.encode()) as beside:
            os.link(beside, path)
        _sync(path.parent)


@contextmanager
def replacing_directory(path: Path) -> Iterator[Path]:
    """Give an empty folder to fill; it becomes the folder at the path when the block ends without an error.

    A process that dies in the block leaves the place as it was. Where a folder is replaced, one that dies
    between the two renames leaves none.

    Raises
    ------
    StoreError
        If it can't be written; `StoreFull` if there is no room.
    """
    with store_errors(path):
        make_folder(path.parent)
        with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as scratch:
            filled, replaced = Path(scratch, "new"), Path(scratch, "old")
            filled.mkdir()
            yield filled
            for file in (filled, *filled.rglob("*")):
                _sync(file)
            _exchange(path, filled, replaced)
        _sync(path.parent)


def _unusable(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"{path} can't be used: {error.strerror}; check that the store is a folder you may write to, "
        f"or choose another (DALSEGNO_STORE)"
    )


def _exchange(path: Path, new: Path, old: Path) -> None:
    """Put the new folder in its place; where that fails, put back the old one."""
    if path.exists():
        path.rename(old)
    try:
        new.rename(path)
    except OSError:
        if old.exists():
            old.rename(path)
        raise


@contextmanager
def _written_beside(path: Path, data: bytes) -> Iterator[Path]:
    """Give a file with the data in the same folder, which is gone when the block ends."""
    beside = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
    try:
        with beside.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        yield beside
    finally:
        beside.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Wait until a file, or the list of files in a folder, is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
