from pathlib import Path

import pytest

from dalsegno.errors import ConfigError
from dalsegno.store.options import load_options


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    for name in ("DALSEGNO_STORE", "DALSEGNO_TYPE", "DALSEGNO_OPTIONS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def test_without_anything_the_store_is_in_the_working_directory(tmp_path):
    assert str(load_options().store) == str(tmp_path / "store")
    assert load_options().type == "files"


def test_arguments_come_before_the_environment_before_the_file(tmp_path, monkeypatch):
    Path("dalsegno.yaml").write_text("store: of_file\n")
    assert str(load_options().store) == str(tmp_path / "of_file")
    monkeypatch.setenv("DALSEGNO_STORE", "of_environment")
    assert str(load_options().store) == str(tmp_path / "of_environment")
    assert str(load_options(store="of_argument").store) == str(tmp_path / "of_argument")
    assert str(load_options(store=tmp_path / "x").store) == str(tmp_path / "x")


def test_a_path_in_a_file_is_relative_to_the_file(tmp_path, monkeypatch):
    folder = tmp_path / "lab"
    folder.mkdir()
    (folder / "options.yaml").write_text("store: data/store\n")
    monkeypatch.setenv("DALSEGNO_OPTIONS", "lab/options.yaml")
    options = load_options()
    monkeypatch.chdir("/")
    assert str(options.store) == str(folder / "data" / "store")


def test_the_home_folder_is_expanded(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    assert str(load_options(store="~/x").store) == "/home/me/x"
    Path("dalsegno.yaml").write_text("store: ~/y\n")
    assert str(load_options().store) == "/home/me/y"


def test_what_is_wrong_says_where_it_was_given(tmp_path, monkeypatch):
    Path("dalsegno.yaml").write_text("store: x\nstroe: y\n")
    with pytest.raises(ConfigError, match=r"dalsegno.yaml:2: stroe: unknown field; did you mean 'store'\?"):
        load_options()
    Path("dalsegno.yaml").unlink()
    monkeypatch.setenv("DALSEGNO_TYPE", "fils")
    with pytest.raises(
        ConfigError, match=r"DALSEGNO_TYPE: type: must be one of files, got 'fils'; did you mean 'files'"
    ):
        load_options()
    with pytest.raises(ConfigError, match="arguments: stor: unknown field"):
        load_options(type="files", stor="x")
    monkeypatch.setenv("DALSEGNO_OPTIONS", str(tmp_path / "no.yaml"))
    with pytest.raises(ConfigError, match="there is no such file"):
        load_options()
