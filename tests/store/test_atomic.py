import os
from pathlib import Path

import pytest

from dalsegno.errors import StoreError
from dalsegno.store.atomic import create_text, make_folder, replacing_directory, store_errors, write_bytes, write_text


def names(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_a_file_is_replaced_whole(tmp_path):
    path = tmp_path / "a" / "b.txt"
    write_text(path, "one")
    write_text(path, "twö")
    assert path.read_text(encoding="utf-8") == "twö"
    assert names(tmp_path) == ["a", "a/b.txt"]
    assert path.stat().st_mode & 0o777 == 0o666 & ~current_umask()


def current_umask():
    umask = os.umask(0)
    os.umask(umask)
    return umask


def test_a_file_is_created_once(tmp_path):
    create_text(tmp_path / "a", "one")
    with pytest.raises(FileExistsError):
        create_text(tmp_path / "a", "two")
    assert (tmp_path / "a").read_text() == "one"
    assert names(tmp_path) == ["a"]


def test_a_write_that_does_not_fit_leaves_what_was_there(tmp_path, in_small_files):
    write_bytes(tmp_path / "a", b"before")
    message = in_small_files("from dalsegno.store.atomic import write_bytes; write_bytes(folder / 'a', bytes(9999))")
    assert "the file would be larger than is allowed; what was stored before is whole" in message
    assert (tmp_path / "a").read_bytes() == b"before"
    assert names(tmp_path) == ["a"]


def test_a_folder_appears_whole(tmp_path):
    for content in ("one", "two"):
        with replacing_directory(tmp_path / "x" / "folder") as folder:
            (folder / "file").write_text(content)
            (folder / content).mkdir()
        assert (tmp_path / "x" / "folder" / "file").read_text() == content
    assert names(tmp_path) == ["x", "x/folder", "x/folder/file", "x/folder/two"]


def test_a_folder_that_can_not_be_filled_does_not_appear(tmp_path, in_small_files):
    with replacing_directory(tmp_path / "folder") as folder:
        (folder / "file").write_text("before")
    with pytest.raises(ZeroDivisionError), replacing_directory(tmp_path / "folder") as folder:
        (folder / "file").write_text(str(1 / 0))
    statement = "from dalsegno.store.atomic import replacing_directory\n    with replacing_directory(folder / 'folder')"
    in_small_files(statement + " as new: (new / 'file').write_bytes(bytes(9999))")
    assert (tmp_path / "folder" / "file").read_text() == "before"
    assert names(tmp_path) == ["folder", "folder/file"]


def test_what_is_no_folder_is_an_error_that_says_what_to_do(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="check that the store is a folder you may write to"):
        write_text(tmp_path / "file" / "x" / "y", "")


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="the system has no /proc")
def test_where_no_folder_can_be_made_is_an_error_that_says_what_to_do():
    for write in (make_folder, lambda path: write_text(path / "a", ""), lambda path: create_text(path / "a", "")):
        with pytest.raises(StoreError, match=r"/proc/x can't be used: .*choose another \(DALSEGNO_STORE\)"):
            write(Path("/proc/x"))


def test_a_file_in_place_of_a_folder_is_not_taken_for_the_file_to_create(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="can't be used: File exists"):
        create_text(tmp_path / "file" / "a", "")


def test_that_a_file_is_not_there_can_be_answered(tmp_path):
    with pytest.raises(FileNotFoundError), store_errors(tmp_path):
        (tmp_path / "a").read_text()
