import os
import pickle
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile

from dalsegno.errors import DataError
from dalsegno.sources import open_source


def test_the_errors_of_open_source_say_what_to_do(tmp_path):
    (tmp_path / "a.xyz").write_text("no image")
    with pytest.raises(ValueError, match=r"Could not infer.*format="):
        open_source(tmp_path / "a.xyz")
    with pytest.raises(ValueError, match="Unknown or unavailable format 'tif'; did you mean 'tiff'"):
        open_source(tmp_path / "a.xyz", format="tif")
    with pytest.raises(FileNotFoundError, match="does not exist"):
        open_source(tmp_path / "missing.zarr")
    (tmp_path / "b.tif").write_bytes(b"no image")
    with pytest.raises(DataError, match="complete"):
        open_source(tmp_path / "b.tif")


@pytest.mark.parametrize("name", [0, 1, Path("raw")])
def test_a_name_that_is_no_text_is_refused(tmp_path, name):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["raw"] = np.ones(3)
    tifffile.imwrite(tmp_path / "a.tif", np.ones((3, 4), np.uint8))
    for path in ("a.h5", "a.tif"):
        with pytest.raises(ValueError, match=r"internal_path .* is no text \(\w+\); give '") as error:
            open_source(tmp_path / path, name)
        assert isinstance(error.value, DataError)


@pytest.mark.parametrize("mode", ["w", "w-", "x"])
def test_opening_never_erases(tmp_path, mode):
    tifffile.imwrite(tmp_path / "a.tif", np.ones((3, 4), np.uint8))
    with pytest.raises(ValueError, match="mode"):
        open_source(tmp_path / "a.tif", mode=mode)
    assert open_source(tmp_path / "a.tif")[0, 0] == 1


def test_a_format_that_is_never_written_stays_read_only(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.ones((3, 4), np.uint8))
    source = open_source(tmp_path / "a.tif", mode="r+")
    assert not source.writable
    with pytest.raises(TypeError, match="read-only"):
        source[0] = 5


def test_a_source_can_be_pickled(tmp_path):
    image = np.arange(12, dtype=np.uint8).reshape(3, 4)
    tifffile.imwrite(tmp_path / "a.tif", image, compression="zlib")
    copy = pickle.loads(pickle.dumps(open_source(tmp_path / "a.tif")))
    assert (copy.format, copy.mode, copy.internal_path) == ("tiff", "r", "")
    np.testing.assert_array_equal(copy[:], image)


@pytest.mark.parametrize("library", ["nibabel", "tifffile"])
def test_a_missing_library_is_named(tmp_path, library):
    path = tmp_path / {"nibabel": "a.nii", "tifffile": "a.tif"}[library]
    path.touch()
    code = f"""
import sys
sys.modules[{library!r}] = None
from dalsegno.errors import DataError
from dalsegno.sources import open_source
try:
    open_source({str(path)!r})
except DataError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "pip install" in done.stdout, done.stderr


def test_a_forked_process_opens_its_files_itself(tmp_path):
    code = f"""
import os, sys
import numpy as np, tifffile, zarr
from dalsegno.sources import open_source
image = np.arange(4 * 50 * 60, dtype=np.uint16).reshape(4, 50, 60)
tifffile.imwrite({str(tmp_path / "a.tif")!r}, image, compression="zlib")
zarr.create_array({str(tmp_path / "a.zarr")!r}, data=image, chunks=(2, 25, 30))
sources = [open_source({str(tmp_path / "a.tif")!r}), open_source({str(tmp_path / "a.zarr")!r})]
before = [source[:2].sum() for source in sources]
child = os.fork()
if child == 0:
    same = all((source[:] == image).all() for source in sources)
    del sources
    os._exit(0 if same else 3)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stdout.strip() == "0", done.stderr


def test_paths_are_kept_absolute(tmp_path, monkeypatch):
    tifffile.imwrite(tmp_path / "a.tif", np.ones((3, 4), np.uint8))
    monkeypatch.chdir(tmp_path)
    assert open_source("a.tif").to_spec().path == os.fspath(tmp_path / "a.tif")
