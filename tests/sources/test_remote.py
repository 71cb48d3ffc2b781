import functools
import os
import pickle
import subprocess
import sys
import threading
import uuid
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import h5py
import numpy as np
import pytest
import zarr
from upath import UPath

from dalsegno.errors import DataError
from dalsegno.sources import as_source, from_spec, open_source
from dalsegno.sources.storage.credentials import check_no_credentials
from dalsegno.sources.storage.remote import open_binary
from dalsegno.testing.fresh_process import digest, run_fresh

DATA = np.random.default_rng(0).integers(0, 1000, (20, 21, 22)).astype(np.uint16)
LAYOUTS = {"v2": {}, "v3": {}, "sharded": {"shards": (20, 20, 20)}}
REOPEN = """
from dalsegno.sources import SourceSpec, from_spec
from dalsegno.testing.fresh_process import digest
source = from_spec(SourceSpec.from_dict(argument))
answer = [digest(source[...]), source.writable]
"""

FAIL = """
from dalsegno.errors import DataError
from dalsegno.sources import open_source
url, options = argument
try:
    open_source(url, "raw", storage_options=options)
except DataError as error:
    answer = str(error)
"""


def write(url, options, layout):
    group = zarr.open_group(url, mode="a", storage_options=options or None, zarr_format=2 if layout == "v2" else 3)
    return group.create_array("volumes/raw", data=DATA, chunks=(10, 10, 10), **LAYOUTS[layout])


@pytest.fixture(params=["s3", "http"])
def server(request):
    """Where files are written, with the options for that; where they are read, with the options for that."""
    if request.param == "s3":
        url, options = request.getfixturevalue("s3_bucket")
        return url, options, url, {"storage_options": options}
    folder, url = request.getfixturevalue("http_folder")
    return str(folder), {}, url, {}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_array_on_a_server_reads_and_reopens_elsewhere(server, layout):
    place, options, url, reading = server
    write(f"{place}/a.zarr", options, layout)
    source = open_source(f"{url}/a.zarr", "volumes/raw", **reading)
    assert (source.shape, source.chunks, source.shards) == (
        DATA.shape,
        (10, 10, 10),
        LAYOUTS[layout].get("shards"),
    )
    np.testing.assert_array_equal(source[3:15, 20, -5:], DATA[3:15, 20, -5:])
    np.testing.assert_array_equal(open_source(f"{url}/a.zarr/volumes/raw", **reading)[0], DATA[0])
    spec = source.to_spec()
    assert spec.params.get("storage_options") == reading.get("storage_options")
    assert run_fresh(REOPEN, spec.to_dict()) == [digest(DATA), False]


def test_missing_arrays_and_containers_are_named(server):
    place, options, url, reading = server
    write(f"{place}/a.zarr", options, "v3")
    with pytest.raises(FileNotFoundError, match=r"b\.zarr is no zarr container"):
        open_source(f"{url}/b.zarr", "volumes/raw", **reading)
    with pytest.raises(KeyError, match=r"no array 'gt' in .*; it holds volumes"):
        open_source(f"{url}/a.zarr", "gt", **reading)
    with pytest.raises(FileNotFoundError, match="nothing is stored at"):
        open_binary(f"{url}/missing.h5", reading.get("storage_options"))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_array_in_a_bucket_can_be_written(s3_bucket, layout):
    url, options = s3_bucket
    array = write(f"{url}/a.zarr", options, layout)
    source = open_source(f"{url}/a.zarr", "volumes/raw", mode="r+", storage_options=options)
    source[5:9, :, 0] = 1
    source.array.attrs["section"] = 7
    assert (np.asarray(array[5:9, :, 0]) == 1).all()
    assert zarr.open_array(f"{url}/a.zarr", path="volumes/raw", storage_options=options).attrs["section"] == 7
    assert from_spec(source.to_spec()).writable


def test_a_live_array_of_a_server_becomes_a_source_that_reopens(s3_bucket):
    url, options = s3_bucket
    array = write(f"{url}/a.zarr", options, "v3")
    spec = as_source(array).to_spec()
    assert (spec.kind, spec.path, spec.internal_path) == ("zarr", f"{url}/a.zarr", "volumes/raw")
    assert run_fresh(REOPEN, spec.to_dict()) == [digest(DATA), True]
    reading = zarr.open_array(array.store.with_read_only(True), path="volumes/raw", mode="r")
    assert not from_spec(as_source(reading).to_spec()).writable
    secret = {"key": "tester", "secret": "very secret", **options}
    known = as_source(zarr.open_array(f"{url}/a.zarr", path="volumes/raw", storage_options=secret))
    with pytest.raises(ValueError, match="environment variables") as error:
        known.to_spec()
    assert "very secret" not in str(error.value)


def test_live_arrays_that_no_other_process_can_reach_have_no_spec(tmp_path):
    memory = zarr.create_array(zarr.storage.MemoryStore(), data=DATA)
    with zarr.storage.ZipStore(tmp_path / "a.zip", mode="w") as store:
        zipped = zarr.create_array(store, data=DATA)
        url = f"memory://{uuid.uuid4().hex}/a.zarr"
        for array in (memory, zipped, zarr.create_array(url, data=DATA)):
            np.testing.assert_array_equal(as_source(array)[3], DATA[3])
            with pytest.raises(ValueError, match="can't be reopened elsewhere; save it"):
                as_source(array).to_spec()
    in_memory = open_source(url)
    np.testing.assert_array_equal(in_memory[3], DATA[3])
    for send in (in_memory.to_spec, lambda: pickle.dumps(in_memory)):
        with pytest.raises(ValueError, match="lies in this process only"):
            send()


@pytest.mark.parametrize("cache", ["simplecache", "filecache"])
def test_a_cache_stands_on_top_of_a_server(http_folder, cache):
    folder, url = http_folder
    write(folder / "a.zarr", {}, "sharded")
    (folder / "a.zarr/volumes/raw/c/0/0/0").unlink()
    expected = DATA.copy()
    expected[:20, :20, :20] = 0
    source = open_source(f"{cache}::{url}/a.zarr", "volumes/raw")
    np.testing.assert_array_equal(source[3:15, 20, -5:], DATA[3:15, 20, -5:])
    np.testing.assert_array_equal(source[:], expected)
    assert run_fresh(REOPEN, source.to_spec().to_dict()) == [digest(expected), False]


def test_a_cache_passes_on_what_is_written(s3_bucket):
    url, options = s3_bucket
    write(f"{url}/a.zarr", options, "v3")
    place = {"s3": options}
    source = open_source(f"simplecache::{url}/a.zarr", "volumes/raw", mode="r+", storage_options=place)
    source[2] = 7
    assert (open_source(f"{url}/a.zarr", "volumes/raw", storage_options=options)[2] == 7).all()


def test_the_extension_of_a_url_stands_before_its_query(http_folder):
    folder, url = http_folder
    with h5py.File(folder / "a.h5", "w") as file:
        file["raw"] = DATA
    source = open_source(f"{url}/a.h5?version=1#top", "raw")
    assert source.format == "hdf5"
    np.testing.assert_array_equal(source[3], DATA[3])


def test_a_upath_brings_its_options(s3_bucket):
    url, options = s3_bucket
    write(f"{url}/a.zarr", options, "v3")
    source = open_source(UPath(f"{url}/a.zarr", **options), "volumes/raw")
    np.testing.assert_array_equal(source[:], DATA)
    assert source.to_spec().params["storage_options"] == options
    with pytest.raises(ValueError, match="credentials"):
        open_source(UPath(f"{url}/a.zarr", key="a", secret="b", **options), "volumes/raw")


def test_file_urls_are_local_paths(tmp_path):
    write(tmp_path / "a.zarr", {}, "v3")
    source = open_source(f"file://{tmp_path}/a.zarr", "volumes/raw")
    np.testing.assert_array_equal(source[:], DATA)
    assert run_fresh(REOPEN, source.to_spec().to_dict()) == [digest(DATA), False]


def test_a_forked_process_reads_from_the_server_itself(http_folder):
    folder, url = http_folder
    write(folder / "a.zarr", {}, "v3")
    code = f"""
import os
from dalsegno.sources import open_source
source = open_source({url!r} + "/a.zarr", "volumes/raw")
before = source[:].sum()
child = os.fork()
if child == 0:
    os._exit(0 if source[:].sum() == before else 3)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stdout.strip() == "0", done.stderr


def test_a_forked_process_reads_what_lies_in_its_own_memory():
    code = """
import os
import zarr
from dalsegno.sources import open_source
zarr.create_array("memory://forked/a.zarr", shape=(3,), dtype="u1")[:] = 2
source = open_source("memory://forked/a.zarr")
child = os.fork()
if child == 0:
    os._exit(int(source[:].sum()))
answer = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
"""
    assert run_fresh(code, None) == 6


@pytest.mark.parametrize(
    ("url", "options", "what"),
    [
        ("s3://bucket/a.zarr", {"key": "AKIA", "secret": "hidden"}, "key, secret"),
        ("s3://bucket/a.zarr", {"client_kwargs": {"aws_secret_access_key": "hidden"}}, "client_kwargs.aws_secret"),
        (
            "https://host/a.zarr",
            {"client_kwargs": {"headers": {"Authorization": "hidden"}}},
            "client_kwargs.headers.Authorization",
        ),
        ("https://host/a.zarr?X-Amz-Signature=hidden", {}, "X-Amz-Signature= in the URL"),
        ("https://me:hidden@host/a.zarr", {}, "user and password in the URL"),
        ("gs://bucket/a.zarr", {"token": "hidden"}, "token"),
        ("az://container/a.zarr", {"connection_string": "hidden"}, "connection_string"),
        ("https://a.blob.core.windows.net/c/x.h5?sv=2020&sp=r&sig=hidden", {}, "sig= in the URL"),
        ("simplecache::https://me:hidden@host/a.zarr", {}, "user and password in the URL"),
        ("simplecache::s3::https://host/a.zarr?X-Amz-Signature=hidden", {}, "X-Amz-Signature= in the URL"),
        ("https://hidden@host/a.zarr", {}, "user or token in the URL"),
        ("https://host/a.zarr?AWSAccessKeyId=hidden&Expires=1", {}, "AWSAccessKeyId= in the URL"),
        ("https://host/a.zarr?%74oken=hidden", {}, "token= in the URL"),
        ("https://host/a.zarr?v=1&accessToken=hidden", {}, "accessToken= in the URL"),
        ("https://host/a.zarr;sessionToken=hidden", {}, "sessionToken= in the URL"),
        ("https://host/a.zarr#bearer=hidden", {}, "bearer= in the URL"),
        ("s3://bucket/a.zarr", {"endpoint_url": "http://me:hidden@minio"}, "user and password in endpoint_url"),
        (
            "s3://bucket/a.zarr",
            {"client_kwargs": {"endpoint_url": "http://me:hidden@minio"}},
            "user and password in client_kwargs.endpoint_url",
        ),
        ("s3://bucket/a.zarr", {"client_kwargs": {"awsSecretAccessKey": "hidden"}}, "client_kwargs.awsSecretAccessKey"),
        ("https://host/a.zarr", {"headers": [["Authorization", "hidden"]]}, "headers.Authorization"),
        ("ftp://host/a.h5", {"pass": "hidden"}, "pass"),
        ("ftp://host/a.h5", {"pwd": "hidden"}, "pwd"),
    ],
)
def test_credentials_are_refused_and_not_repeated(url, options, what):
    with pytest.raises(ValueError, match=rf"credentials \({what}.*environment variables.*profile") as error:
        open_source(url, storage_options=options)
    assert "hidden" not in str(error.value)


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("s3://bucket/a.zarr", {"endpoint_url": "http://host", "anon": True, "profile": "lab", "key": None}),
        ("gs://bucket/a.zarr", {"token": "anon"}),
        ("https://host:8080/a.zarr?version=2", {"client_kwargs": {"trust_env": True}}),
        ("s3://bucket/key=1/a@b.zarr", {"config_kwargs": {"signature_version": "s3v4", "retries": {"mode": "x"}}}),
        ("abfs://container@account.dfs.core.windows.net/a.zarr", {"block_size": 4}),
        ("sftp://me@host/a.zarr", {"mirrors": ["http://one/a?b=c", "http://two"]}),
        ("/data/me:you@home?token=1.zarr", {}),
    ],
)
def test_options_that_are_no_credentials_are_taken(url, options):
    check_no_credentials(url, options)


def test_credentials_are_refused_for_local_files_too(tmp_path):
    write(tmp_path / "a.zarr", {}, "v3")
    with pytest.raises(ValueError, match=r"credentials \(key, secret\)") as error:
        open_source(tmp_path / "a.zarr", "volumes/raw", storage_options={"key": "hidden", "secret": "hidden"})
    assert "hidden" not in str(error.value)


@pytest.mark.parametrize(
    ("url", "options", "message"),
    [
        ("http://127.0.0.1:9/a.zarr", {}, r"http://127\.0\.0\.1:9/a\.zarr/.* can't be read.*is the server up"),
        ("gs://bucket/a.zarr", {}, "not installed: pip install gcsfs"),
        ("nowhere://bucket/a.zarr", {}, "can't be opened: Protocol not known"),
        ("s3://bucket/a.zarr", {"no_such": 1}, "no such storage option"),
    ],
)
def test_urls_that_can_not_be_read_say_why(url, options, message):
    with pytest.raises(DataError, match=message):
        open_source(url, "raw", storage_options=options)


def test_without_credentials_the_error_says_where_they_belong(s3_bucket, monkeypatch):
    url, options = s3_bucket
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    assert "give credentials in the environment" in run_fresh(FAIL, [f"{url}/a.zarr", options])


@pytest.mark.parametrize(("package", "url"), [("s3fs", "s3://bucket/a.zarr"), ("aiohttp", "https://host/a.zarr")])
def test_a_missing_package_is_named_by_its_extra(package, url):
    hide = f"import sys\nsys.modules[{package!r}] = None\n"
    extra = "s3" if package == "s3fs" else "http"
    assert run_fresh(hide + FAIL, [url, {}]).endswith(f"pip install 'dalsegno[{extra}]'")


def test_shards_need_a_server_that_knows_ranges(tmp_path):
    class WithoutRanges(SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

    write(tmp_path / "a.zarr", {}, "sharded")
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(WithoutRanges, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        source = open_source(f"http://127.0.0.1:{server.server_port}/a.zarr", "volumes/raw")
        with pytest.raises(DataError, match="sharded arrays need a server that answers requests for ranges"):
            source[3, 4, 5]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_server_that_fails_is_no_missing_chunk(http_server):
    write(http_server.folder / "a.zarr", {}, "v3")
    source = open_source(f"{http_server.url}/a.zarr", "volumes/raw")
    http_server.shutdown()
    http_server.socket.close()
    with pytest.raises(DataError, match=r"a\.zarr/volumes/raw can't be read"):
        source[0]


def test_a_server_may_refuse_what_it_does_not_have(http_server, monkeypatch):
    write(http_server.folder / "a.zarr", {}, "v2")

    def refuse(self, code, *rest):
        SimpleHTTPRequestHandler.send_error(self, 403 if code == 404 else code, *rest)

    monkeypatch.setattr(http_server.RequestHandlerClass.func, "send_error", refuse, raising=False)
    np.testing.assert_array_equal(open_source(f"{http_server.url}/a.zarr", "volumes/raw")[:], DATA)
    with pytest.raises(DataError, match=r"b\.zarr can't be read.*403.*give credentials"):
        open_source(f"{http_server.url}/b.zarr", "volumes/raw")


def test_only_what_is_read_of_a_file_is_fetched(http_server):
    (http_server.folder / "a.bin").write_bytes(bytes(range(256)) * 2**16)
    with open_binary(f"{http_server.url}/a.bin") as file:
        file.seek(5 * 2**20 + 3)
        assert file.read(4) == bytes([3, 4, 5, 6])
        assert file.seekable()
    assert sum(request.startswith("GET") for request in http_server.requested) == 1
