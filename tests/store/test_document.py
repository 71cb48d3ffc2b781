from pathlib import Path

import pytest

from dalsegno.errors import ConfigError
from dalsegno.store.document import parse_document, read_document

EXPERIMENT = """\
name: demo
trainer:
  learning_rate: 1e-3
  augments:
    - type: SimpleAugment
    - type: GammaAugment
      gamma_range: [0.5, 2.0]
data: ${VNC_DATA}/raw.tif
"""


def read(tmp_path, text, name="run.yaml", overrides=()):
    path = tmp_path / name
    path.write_text(text)
    return read_document(path, overrides)


def messages(call, *arguments):
    with pytest.raises(ConfigError) as caught:
        call(*arguments)
    return str(caught.value)


def test_references_are_replaced(tmp_path, monkeypatch):
    monkeypatch.setenv("VNC_DATA", "/data/vnc")
    monkeypatch.setenv("EMPTY", "")
    text = 'a: ["${VNC_DATA}/raw.tif", "$${VNC_DATA}", "${NO_SUCH:-/else}/b", "${EMPTY:-x}", "${NO_SUCH:-}"]\nb: 3\n'
    assert read(tmp_path, text).data == {"a": ["/data/vnc/raw.tif", "${VNC_DATA}", "/else/b", "x", ""], "b": 3}


def test_a_package_is_a_folder_and_is_not_imported(tmp_path):
    import sys

    data = read(tmp_path, "a: ${package:dalsegno}/store\nb: ${package:this}\n").data
    assert Path(data["a"], "document.py").exists()
    assert Path(data["b"], "this.py").exists()
    assert "this" not in sys.modules


def test_all_missing_references_are_named_with_their_places(tmp_path):
    text = "a: ${NO_SUCH}\nb:\n  - ${package:no_such_package}\n  - ${not a name}\n"
    found = messages(read, tmp_path, text).splitlines()
    assert len(found) == 3
    assert f"{tmp_path}/run.yaml:1: a: " in found[0]
    assert "set NO_SUCH, e.g. export NO_SUCH=/path" in found[0]
    assert "run.yaml:3: b[0]: the package 'no_such_package' is not installed" in found[1]
    assert "run.yaml:4: b[1]: ${not a name} is no reference" in found[2]


def test_an_override_stands_in_for_a_missing_variable(tmp_path):
    assert read(tmp_path, EXPERIMENT, overrides=["data=/raw.tif"]).data["data"] == "/raw.tif"


def test_overrides_set_values_without_changing_the_document():
    document = parse_document(EXPERIMENT, "run.yaml")
    changed = document.override("trainer.augments[1].gamma_range=[1, 3.5]").override("trainer.seed=7")
    assert changed.data["trainer"]["augments"][1]["gamma_range"] == [1, 3.5]
    assert changed.data["trainer"]["seed"] == 7
    assert document.data["trainer"]["augments"][1]["gamma_range"] == [0.5, 2.0]
    assert "seed" not in document.data["trainer"]
    assert document.override("name=a=b").data["name"] == "a=b"
    assert document.override("trainer.learning_rate=1e-4").data["trainer"]["learning_rate"] == 1e-4


def test_the_place_of_an_override_is_the_override():
    document = parse_document(EXPERIMENT, "run.yaml").override("trainer.augments[1].gamma_range=[1, a]")
    assert document.place(("trainer", "augments", 1, "gamma_range", 1)) == "trainer.augments[1].gamma_range=[1, a]"
    assert document.place(("trainer", "augments", 1, "type")) == "run.yaml:6"
    assert document.place(("trainer", "augments", 0, "clip")) == "run.yaml:5"
    assert document.place(("nothing",)) == "run.yaml:1"


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("trainr.seed=1", "trainr.seed=1: there is no 'trainr' here; did you mean 'trainer'?"),
        ("trainer.x.y=1", "trainer.x.y=1: trainer: there is no 'x' here; there are: learning_rate, augments"),
        ("trainer.augments[2].p=1", "trainer.augments: there is no [2] in this list; it has 2 entries"),
        ("trainer.augments[2]=1", "there is no [2] in this list"),
        ("name.x=1", "name: there is nothing below 'demo'"),
        ("name", "name: is no assignment; write path=value"),
        ("a..b=1", "is no assignment"),
        ("name=[1", "this is not valid YAML"),
    ],
)
def test_an_override_without_a_place_says_what_is_there(assignment, message):
    assert message in messages(parse_document(EXPERIMENT, "run.yaml").override, assignment)


def test_a_missing_file_names_the_nearest(tmp_path):
    (tmp_path / "cells.yaml").touch()
    (tmp_path / "notes.txt").touch()
    assert "there is no such file; did you mean cells.yaml?" in messages(read_document, tmp_path / "cell.yaml")
    assert "does not exist either" in messages(read_document, tmp_path / "no" / "cells.yaml")


def test_what_is_no_document_is_refused(tmp_path):
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    assert "is not a text in UTF-8" in messages(read_document, tmp_path / "binary.yaml")
    assert "can't be read" in messages(read_document, tmp_path)
    assert "the document is empty" in messages(read, tmp_path, "# nothing\n")
    assert "the document holds a list" in messages(read, tmp_path, "- a\n")
