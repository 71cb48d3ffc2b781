"""A small DVID server over volumes in memory, for tests."""

import json
import re
import socket
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np

UUID = "4c9b"


def described(
    name, volume, first=(0, 0, 0), size=(8.0, 8.0, 8.0), units="nanometers", type_name=None, block=(32, 32, 32)
):
    """What DVID says about a volume with axes (z, y, x), in its own order x, y, z."""
    last = [start + extent - 1 for start, extent in zip(first, volume.shape, strict=True)]
    return {
        "Base": {"TypeName": type_name or f"{volume.dtype.name}blk", "Name": name, "DataUUID": "0f3e"},
        "Extended": {
            "Values": [{"DataType": volume.dtype.name, "Label": name}],
            "BlockSize": list(block)[::-1],
            "VoxelSize": list(size)[::-1],
            "VoxelUnits": [units] * 3,
            "MinPoint": list(first)[::-1],
            "MaxPoint": last[::-1],
        },
    }


class _Server(ThreadingHTTPServer):
    request_queue_size = 64

    def handle_error(self, request, client_address):
        pass  # clients that stop waiting


class DvidServer:
    """A server; a context manager. `faults` are what the next requests meet, `asked` the paths of all requests."""

    def __init__(self):
        self.instances = {}
        self.faults = []
        self.asked = []
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.served = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.host = f"127.0.0.1:{self._server.server_port}"
        self.url = f"http://{self.host}"

    def add(self, name, volume, **description):
        """Serve a volume, axes (z, y, x)."""
        info = described(name, volume, **description)
        self.instances[name] = (info, volume)
        return info

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    def log_message(self, *arguments):
        pass

    def do_GET(self):
        served = self.server.served
        served.asked.append(self.path)
        fault = served.faults.pop(0) if served.faults else None
        if fault == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return
        if isinstance(fault, float):
            time.sleep(fault)
        status, body = (
            (fault[0], fault[1].encode()) if isinstance(fault, tuple) else look_up(served.instances, self.path)
        )
        # "cut" ends before what the header promises, "short" promises less
        sent = {"cut": body[: len(body) // 2], "short": body[:-1]}.get(fault, body)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body if fault == "cut" else sent)))
        self.end_headers()
        self.wfile.write(sent)


def look_up(instances, path):
    """Return status and body of the answer."""
    match = re.fullmatch(r"/api/node/([^/]+)/([^/]+)/(info|raw/0_1_2/(\d+_\d+_\d+)/(-?\d+_-?\d+_-?\d+))", path)
    if match is None or match[1] != UUID:
        return 400, f"could not find UUID with partial match to {match and match[1]}".encode()
    if match[2] not in instances:
        return 404, f"Data instance {match[2]!r} not found".encode()
    info, volume = instances[match[2]]
    if match[3] == "info":
        return 200, json.dumps(info).encode()
    size, offset = (tuple(map(int, reversed(text.split("_")))) for text in (match[4], match[5]))
    begin = [at - first for at, first in zip(offset, reversed(info["Extended"]["MinPoint"]), strict=True)]
    box = volume[tuple(slice(at, at + extent) for at, extent in zip(begin, size, strict=True))]
    if min(begin) < 0 or box.shape != size:
        return 400, b"region beyond the extents"
    return 200, np.ascontiguousarray(box, box.dtype.newbyteorder("<")).tobytes()
