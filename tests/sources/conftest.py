"""Real servers of files, on this machine."""

import functools
import threading
import uuid
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest
from RangeHTTPServer import RangeRequestHandler


class QuietHandler(RangeRequestHandler):
    def log_message(self, *arguments):
        pass

    def log_request(self, *arguments):
        self.server.requested.append(f"{self.command} {self.path}")

    def send_head(self):
        wanted, file = self.headers.get("Range", ""), Path(self.translate_path(self.path))
        if wanted.startswith("bytes=-") and file.is_file():  # the last bytes, which only servers of the world know
            start = max(0, file.stat().st_size - int(wanted.removeprefix("bytes=-")))
            self.headers.replace_header("Range", f"bytes={start}-")
        if self.command == "GET":
            self.server.ranges.append(self.headers.get("Range"))
        return super().send_head()


@pytest.fixture
def http_server(tmp_path):
    """Serve a folder over HTTP with range requests; it has `folder`, `url`, what was `requested`, and `ranges`."""
    folder = tmp_path / "served"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(QuietHandler, directory=str(folder)))
    server.folder, server.url, server.requested = folder, f"http://127.0.0.1:{server.server_port}", []
    server.ranges = []
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def http_folder(http_server):
    """Serve a folder over HTTP with range requests; gives the folder and its URL."""
    return http_server.folder, http_server.url


@pytest.fixture(scope="session")
def s3_endpoint():
    """Serve S3; gives the URL of the server."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture
def s3_bucket(s3_endpoint, monkeypatch):
    """Make a bucket; gives its URL and the storage options that reach it. Credentials are in the environment."""
    import s3fs

    for name, value in (("ACCESS_KEY_ID", "tester"), ("SECRET_ACCESS_KEY", "secret"), ("DEFAULT_REGION", "us-east-1")):
        monkeypatch.setenv(f"AWS_{name}", value)
    options = {"endpoint_url": s3_endpoint}
    bucket = f"bucket-{uuid.uuid4().hex}"
    s3fs.S3FileSystem(**options).mkdir(bucket)
    return f"s3://{bucket}", options
