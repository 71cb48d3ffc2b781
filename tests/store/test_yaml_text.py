import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dalsegno.errors import ConfigError
from dalsegno.store.yaml_text import dump_yaml, parse_yaml

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
KEYS = st.text()
PLAIN = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner), max_leaves=12)


@settings(max_examples=50)
@given(st.dictionaries(KEYS, PLAIN))
def test_what_is_written_is_read(data):
    read, _ = parse_yaml(dump_yaml(data), "x.yaml")
    assert read == data
    assert repr(read) == repr(data)


def test_values_are_those_of_yaml_1_2():
    data, _ = parse_yaml("a: 1e-3\nb: no\nc: 2020-01-01\nd: 0o17\ne: .nan\nf: 1:30\n", "x.yaml")
    assert data.pop("e") != 0
    assert data == {"a": 1e-3, "b": "no", "c": "2020-01-01", "d": 15, "f": "1:30"}


def test_every_key_and_item_has_its_line():
    text = "a: &shared\n  b: 1\n\n  c: [1,\n    2]\n# remark\nd:\n  - x: 1\n    y: 2\n  -\n    x: 3\ne: *shared\n"
    _, lines = parse_yaml(text, "x.yaml")
    assert lines["a", "b"] == 2
    assert (lines["a", "c"], lines["a", "c", 0], lines["a", "c", 1]) == (4, 4, 5)
    assert (lines["d", 0], lines["d", 0, "y"], lines["d", 1, "x"]) == (8, 9, 11)
    assert (lines[("e",)], lines["e", "b"]) == (12, 2)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, 'found duplicate key "a"'),
        ("a: [1\nb: 2\n", 2, "expected ',' or ']'"),
        ("a: 1\nb: !!python/object/apply:os.system [id]\n", 2, "could not determine a constructor"),
        ("a: 1\n---\nb: 1\n", 2, "another document"),
        ("a: 1\n? [1, 2]\n: 3\n", 2, "is not a text"),
        ("a: 1\ntrue: 3\n", 2, "the key 'true' is not a text"),
        ("a:\n  b: &loop\n    c: *loop\n", 2, "contains itself"),
        ("a: *nothing\n", 1, "undefined alias"),
        ("a: \x07\n", None, "not valid YAML"),
    ],
)
def test_what_is_wrong_has_its_line(text, line, message):
    with pytest.raises(ConfigError) as caught:
        parse_yaml(text, "x.yaml")
    assert message in str(caught.value)
    assert caught.value.problems[0].place == (f"x.yaml:{line}" if line else "x.yaml")


def test_the_text_is_readable():
    data = {"name": "x", "roi": [[0, 0], [10, 10]], "parts": [{"a": [1, 2]}, {"a": []}], "long": list(range(60))}
    assert dump_yaml(data).splitlines()[:8] == [
        "name: x",
        "roi: [[0, 0], [10, 10]]",
        "parts:",
        "- a: [1, 2]",
        "- a: []",
        "long:",
        "- 0",
        "- 1",
    ]


def test_equal_parts_are_written_out():
    part = {"a": 1}
    assert dump_yaml({"x": part, "y": part}) == "x:\n  a: 1\ny:\n  a: 1\n"
