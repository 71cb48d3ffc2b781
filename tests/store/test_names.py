import pytest

from dalsegno.errors import ConfigError
from dalsegno.store.names import check_name


@pytest.mark.parametrize("name", ["a", "run 1", "mito.v2_b-3", "2024", "x" * 128, "console"])
def test_names_that_may_be_part_of_a_path(name):
    assert check_name(name, "run") == name


OTHERS = [
    "",
    ".",
    "..",
    "../x",
    "a/b",
    "a\\b",
    ".hidden",
    " a",
    "a ",
    "a.",
    "a\n",
    "nul",
    "COM1.txt",
    "é",
    "a:b",
    "x" * 129,
]


@pytest.mark.parametrize("name", OTHERS)
def test_names_that_may_not(name):
    with pytest.raises(ConfigError, match=r"the run name .* and can't be part of a path; use letters"):
        check_name(name, "run")
