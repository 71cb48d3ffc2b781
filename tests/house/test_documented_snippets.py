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


def test_every_format_is_in_the_table(root):
    text = (root / "docs/data.md").read_text()
    assert [known.name for known in known_formats() if f"| `{known.name}` |" not in text] == []
    for known in known_formats():
        (row,) = [line for line in text.splitlines() if line.startswith(f"| `{known.name}` |")]
        *_, needs, _, _, written, by_url, _ = map(str.strip, row.split("|"))
        assert needs.strip("`") == known.install.strip("'").removesuffix("dalsegno").replace("pillow", ""), known.name
        assert (written, by_url) == ("yes" if known.writable else "no", "yes" if known.remote else "no"), known.name
        for extension in known.extensions:
            assert extension in row or "packed" in row, (known.name, extension)
