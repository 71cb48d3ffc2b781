"""Files, functions and families of classes stay small enough to be read."""

import ast

import pytest

FILE_LINES = 300
FUNCTION_LINES = 70
ANCESTORS = 2


@pytest.fixture(scope="module")
def trees(package_files):
    return {path: ast.parse(path.read_text()) for path in package_files}


def test_files_are_short(package_files):
    lengths = {path.name: len(path.read_text().splitlines()) for path in package_files}
    assert {name: length for name, length in lengths.items() if length > FILE_LINES} == {}


def test_functions_fit_on_a_screen(trees):
    functions = [
        (path.name, node.name, node.end_lineno - node.lineno + 1)
        for path, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert [found for found in functions if found[2] > FUNCTION_LINES] == []


def test_classes_have_few_ancestors_in_the_package(trees):
    bases = {
        node.name: [ast.unparse(base).split("[")[0] for base in node.bases]
        for tree in trees.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }

    def ancestors(name):
        return max((1 + ancestors(base) for base in bases[name] if base in bases), default=0)

    assert {name: ancestors(name) for name in bases if ancestors(name) > ANCESTORS} == {}


def test_every_module_says_what_it_is(trees):
    silent = [path for path, tree in trees.items() if path.name != "__init__.py" and ast.get_docstring(tree) is None]
    assert silent == []


def test_no_file_is_named_after_nothing(package_files):
    nameless = {"utils", "util", "helpers", "helper", "common", "misc", "tmp", "base", "core"}
    assert [path for path in package_files if path.stem in nameless] == []


def test_test_files_have_names_of_their_own(root):
    names = [path.name for path in (root / "tests").rglob("test_*.py")]
    assert sorted(names) == sorted(set(names))
    assert list((root / "tests").rglob("__init__.py")) == []
