"""How many reads of metadata opening costs, counted by a server that hands out the files."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from volumes import store_pyramid

from dalsegno.sources import open_source


def metadata_reads(folder: Path, *, levels: int = 8) -> dict[str, int]:
    """Return the number of requests that opening costs, found and not found alike."""
    path = store_pyramid(folder / "pyramid.zarr", levels)
    counted = {}
    for level in (0, levels - 1):
        with _counting_server(folder) as (url, requests):
            open_source(f"{url}/{path.name}", level=level)
            counted[f"OME-Zarr with {levels} levels, level {level}"] = len(requests)
    return counted


@contextmanager
def _counting_server(folder: Path) -> Iterator[tuple[str, list[str]]]:
    requests: list[str] = []

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:  # noqa: ARG002 - the server's own name
            requests.append(str(args[0]))

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", requests
    finally:
        server.shutdown()
        server.server_close()
