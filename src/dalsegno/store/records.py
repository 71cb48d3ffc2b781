"""Files that grow by whole records, one line of JSON each.

A record that a crash left unfinished is passed over when the file is read, and the next one begins on a
fresh line. Numbers that are not finite are written as Python's json does: ``NaN``, ``Infinity``.
"""

import json
import logging
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from dalsegno.store.atomic import make_folder, store_errors

__all__ = ["append_records", "read_records", "records_from_the_end"]

logger = logging.getLogger(__name__)

_BLOCK = 1 << 16  # bytes read at once from the end of a file


def append_records(path: Path, records: Iterable[dict[str, Any]]) -> None:
    """Append records in one write.

    Raises
    ------
    StoreError
        If they can't be written, in which case none is; `StoreFull` if there is no room.
    """
    data = "".join(json.dumps(record, default=_plain) + "\n" for record in records).encode()
    with store_errors(path):
        make_folder(path.parent)
        handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            size = os.fstat(handle).st_size
            if size and os.pread(handle, 1, size - 1) != b"\n":
                data = b"\n" + data
            _write_all(handle, data, size)
        finally:
            os.close(handle)


def read_records(path: Path) -> list[dict[str, Any]]:
    """Return the whole records of a file in their order; none where there is no file.

    Raises
    ------
    StoreError
        If the file can't be read.
    """
    with store_errors(path):
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return []
    return [record for line in data.split(b"\n") if (record := _record(line)) is not None]


def records_from_the_end(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the whole records of a file, the last one first, reading no more of it than is asked for.

    Raises
    ------
    StoreError
        If the file can't be read.
    """
    with store_errors(path):
        if not path.exists():
            return
        with path.open("rb") as file:
            start, rest = file.seek(0, os.SEEK_END), b""
            while start > 0:
                begin = max(0, start - _BLOCK)
                file.seek(begin)
                rest, *lines = (file.read(start - begin) + rest).split(b"\n")
                start = begin
                for line in reversed(lines):
                    if (record := _record(line)) is not None:
                        yield record
    if (record := _record(rest)) is not None:
        yield record


def _record(line: bytes) -> dict[str, Any] | None:
    """Return the record of a line, or None if the line is not a whole record."""
    try:
        record = json.loads(line)
    except ValueError:
        if line.strip():
            logger.info("passed over an unfinished record: %r", line[:80])
        return None
    return record if isinstance(record, dict) else None


def _plain(value: Any) -> Any:
    """Return a number of numpy or torch as a plain one."""
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"a record holds numbers, texts, lists and dicts, not {type(value).__name__}")


def _write_all(handle: int, data: bytes, size: int) -> None:
    try:
        written = 0
        while written < len(data):
            written += os.write(handle, data[written:])
        os.fsync(handle)
    except OSError:
        os.ftruncate(handle, size)
        raise
