"""The snippets of the page on data run, in their order, on the files that they make."""

import re

import boto3
import pytest
from moto.server import ThreadedMotoServer
from ruamel.yaml import YAML
from sybil import Sybil
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser

from dalsegno.arrays.array_config import ArrayConfig
from dalsegno.sources.file_format import known_formats
from dalsegno.store.converter import structure


def open_array(example):
    """Open the array that a YAML block describes."""
    if "${" in example.parsed:
        return None  # data that is not here; its config is checked with the experiments
    valid, reason = structure(YAML(typ="safe").load(example.parsed), ArrayConfig).verify()
    return None if valid else reason


@pytest.fixture
def bucket(monkeypatch):
    """What the page calls s3://my-bucket, on a server of this machine."""
    for name, value in (("ACCESS_KEY_ID", "tester"), ("SECRET_ACCESS_KEY", "secret"), ("DEFAULT_REGION", "us-east-1")):
        monkeypatch.setenv(f"AWS_{name}", value)
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://{}:{}".format(*server.get_host_and_port()))
    boto3.client("s3").create_bucket(Bucket="my-bucket")
    yield
    server.stop()


def test_snippets_of_the_page_on_data_run(root, tmp_path, monkeypatch, bucket):
    import neuroglancer

    path = root / "docs/data.md"
    page = Sybil([PythonCodeBlockParser(), CodeBlockParser("yaml", open_array)]).parse(path)
    monkeypatch.chdir(tmp_path)
    page.namespace["__name__"] = "data"
    examples = list(page.examples())
    assert len(examples) == len(re.findall(r"^```(?:python|yaml)$", path.read_text(), re.MULTILINE))
    try:
        for example in examples:
            example.evaluate()
    finally:
        neuroglancer.stop()


def test_the_table_of_formats_is_true(root):
    lines = (root / "docs/data.md").read_text().splitlines()
    table = [line for line in lines if re.search(r"\| (yes|no) \|$", line)]
    rows = [[cell.strip(" `") for cell in line.split("|")[1:-1]] for line in table]
    told = {name: (needs, written != "no", by_url == "yes") for name, _, needs, _, _, written, by_url in rows}
    extras = {known.name: known.install.strip("'") if "[" in known.install else "" for known in known_formats()}
    assert told == {known.name: (extras[known.name], known.writable, known.remote) for known in known_formats()}
    files = {row[0]: row[1] for row in rows}
    for known in known_formats():
        assert all(extension in files[known.name] for extension in known.extensions if extension.count(".") == 1)
