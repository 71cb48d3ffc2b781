import pytest
import tomlkit
from hypothesis import given, settings
from hypothesis import strategies as st

from dalsegno.errors import ConfigError
from dalsegno.store.toml_text import parse_toml

TEXT = '''\
# an experiment
name = "demo # not a comment"
a.b.c = 1

[trainer]   # [not.a.table]
learning_rate = 1e-3
note = """
one = 1
[two]
""\\"three"""
"quoted key" = 'x'
shapes = [
  [1, 2],  # remark
  { x = 1.5, y = [
    3 ] },
]

[[data.train]]
file = "a"
start = 1979-05-27 07:32:00

[[data.train]]
file = "b"
[data.train.crop]
roi = 1
[data.validate]
[[data.train.crop.parts]]
p = 1
'''

LINES = {
    ("name",): 2,
    ("a", "b", "c"): 3,
    ("trainer",): 5,
    ("trainer", "learning_rate"): 6,
    ("trainer", "note"): 7,
    ("trainer", "quoted key"): 11,
    ("trainer", "shapes", 0): 13,
    ("trainer", "shapes", 0, 1): 13,
    ("trainer", "shapes", 1, "x"): 14,
    ("trainer", "shapes", 1, "y", 0): 15,
    ("data", "train", 0): 18,
    ("data", "train", 0, "start"): 20,
    ("data", "train", 1): 22,
    ("data", "train", 1, "file"): 23,
    ("data", "train", 1, "crop", "roi"): 25,
    ("data", "validate"): 26,
    ("data", "train", 1, "crop", "parts", 0, "p"): 28,
}


def test_every_key_and_item_has_its_line():
    data, lines = parse_toml(TEXT, "x.toml")
    assert {path: lines.get(path) for path in LINES} == LINES
    assert set(paths(data)) <= set(lines)


def paths(value, path=()):
    yield path
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in pairs:
        yield from paths(item, (*path, key))


SCALARS = st.booleans() | st.integers(-9, 9) | st.floats(-1e9, 1e9) | st.text("ab #[]{}=,.'\"\n\\", max_size=9)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text("ab .#=", min_size=1), inner))


@settings(max_examples=25)
@given(st.dictionaries(st.text("abc .[", min_size=1), VALUES))
def test_the_lines_found_are_those_of_the_values(data):
    text = tomlkit.dumps(data)
    read, lines = parse_toml(text, "x.toml")
    assert read == data
    assert set(paths(read)) <= set(lines)
    assert max(lines.values()) <= len(text.split("\n"))


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [("a = 1\nb =\n", "x.toml:2", "Invalid value"), ("a = 1\na = 2\n", "x.toml:2", "overwrite")],
)
def test_what_is_wrong_has_its_line(text, place, message):
    with pytest.raises(ConfigError) as caught:
        parse_toml(text, "x.toml")
    assert caught.value.problems[0].place == place
    assert message in str(caught.value)
