"""A package that adds a format, a kind of source and an array, installed beside this one."""

import json
import os
import subprocess
import sys

import pytest
import zarr

FILES = {
    "flowers/npy_format.py": '''
"""A file format: numpy's own."""

import numpy as np

from dalsegno.sources.errors import reading
from dalsegno.sources.file_format import FileFormat, StoredVoxels


def open_npy(path, internal_path, mode):
    with reading(path):
        array = np.load(path, mmap_mode=mode)

    def write(roi, value):
        array[roi] = value

    return StoredVoxels(
        array.shape, array.dtype, read=lambda roi: np.array(array[roi]), write=None if mode == "r" else write
    )


FORMAT = FileFormat("npy", (".npy",), open_npy, library="numpy", install="numpy", writable=True)
''',
    "flowers/nosy.py": '''
"""Formats that are wrong, or take any option."""

import numpy as np

from dalsegno.sources.file_format import FileFormat, StoredVoxels


def open_ones(path, internal_path, mode, **options):
    ones = np.full((2, 3), options.get("value", 1), np.uint8)
    return StoredVoxels(ones.shape, ones.dtype, read=lambda roi: ones[roi].copy())


def claims(path):
    raise ZeroDivisionError("petals")


NOSY = FileFormat("nosy", (".ones",), open_ones, library="numpy", install="numpy", claims=claims)
FORMAT = "nosy"
''',
    "flowers/stripes.py": '''
"""A kind of source: stripes that no file holds."""

import numpy as np

from dalsegno.sources import Source, SourceSpec, register_source


class Stripes(Source):
    shape = (4, 6)
    dtype = np.dtype("uint8")
    writable = False

    def __init__(self, width):
        self.width = width

    def _getitem(self, roi):
        return (np.indices(self.shape)[1] // self.width % 2).astype(np.uint8)[roi]

    def _setitem(self, roi, value):
        raise NotImplementedError

    def to_spec(self):
        return SourceSpec("stripes", params={"width": self.width})


def reopen(spec):
    return Stripes(spec.params["width"])


class Cloth:
    """What `as_source` takes once this is imported."""


register_source(lambda thing: isinstance(thing, Cloth), lambda thing: Stripes(2))
''',
    "flowers/negated_array.py": '''
"""An array: the negative of an image."""

from dalsegno.arrays.array import ArrayConfig
from dalsegno.arrays.array_view import ArrayView
from dalsegno.config import config, field


@config
class NegatedArrayConfig(ArrayConfig):
    """The negative of an image."""

    source_array_config: ArrayConfig = field(help="The image.")
    brightest: int = field(help="The value that becomes 0.", default=255)


class NegatedArray(ArrayView):
    def __init__(self, array_config):
        super().__init__(array_config.source_array_config.open())
        self.config = array_config

    def _read(self, roi):
        return self.config.brightest - self.source_array[roi]


NegatedArrayConfig.array_type = NegatedArray
''',
    "flowers/wilted.py": '"""A module of another package that needs what is not there."""\n\nimport no_such_library\n',
    "flowers-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: flowers\nVersion: 1.0\n",
    "flowers-1.0.dist-info/entry_points.txt": """
[dalsegno.formats]
npy = flowers.npy_format
wilted = flowers.wilted
empty = flowers.stripes
text = flowers.nosy
nosy = flowers.nosy:NOSY

[dalsegno.sources]
stripes = flowers.stripes:reopen
wilted = flowers.wilted:reopen

[dalsegno.components]
NegatedArray = flowers.negated_array
WiltedArray = flowers.wilted
""",
    "test_flowers.py": """
import numpy as np
import pytest
from dalsegno.arrays.file_array import FileArrayConfig
from dalsegno.arrays.numpy_array import NumpyArray
from dalsegno.components import config_class
from dalsegno.sources import as_source, open_source
from dalsegno.testing.array_conformance import ArrayConformance
from dalsegno.testing.source_conformance import SourceConformance
from funlib.geometry import Coordinate, Roi

VOXELS = np.arange(60, dtype=np.uint8).reshape(5, 12)


def write(folder):
    np.save(folder / "a.npy", VOXELS)
    return folder / "a.npy"


class TestNpy(SourceConformance):
    @pytest.fixture(scope="class", params=["r", "r+"])
    @classmethod
    def stored(cls, request, tmp_path_factory):
        return open_source(write(tmp_path_factory.mktemp("npy")), mode=request.param), VOXELS


class TestStripes(SourceConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def stored(cls):
        from flowers.stripes import Cloth

        return as_source(Cloth()), np.tile(np.uint8([0, 0, 1, 1, 0, 0]), (4, 1))


class TestNegatedArray(ArrayConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def described(cls, tmp_path_factory):
        path = write(tmp_path_factory.mktemp("npy"))
        source = FileArrayConfig(file_name=path, voxel_size=(4, 4), units="nm")
        config = config_class("NegatedArray", "array")(source_array_config=source)
        roi = Roi((0, 0), (20, 48))
        return config, NumpyArray.from_np_array(255 - VOXELS, roi, Coordinate(4, 4), ["y", "x"], units="nm")
""",
}


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder with the package, and the environment in which Python finds it."""
    folder = tmp_path_factory.mktemp("site")
    for name, text in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    return folder, {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}


def test_a_plugin_passes_the_suites_that_are_shipped(installed):
    folder, environment = installed
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", "test_flowers.py"],
        cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "passed" in done.stdout
    assert "failed" not in done.stdout


def test_a_suite_fails_where_a_plugin_is_wrong(installed):
    folder, environment = installed
    wrong = FILES["test_flowers.py"].replace("np.uint8([0, 0, 1, 1, 0, 0])", "np.uint8([0, 0, 1, 1, 0, 1])")
    (folder / "test_wrong.py").write_text(wrong)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "TestStripes", "test_wrong.py"],
        cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    assert "test_it_is_read_as_a_whole" in done.stdout
    assert "test_another_process_reads_the_same" in done.stdout


def test_a_broken_plugin_breaks_no_other_and_says_why(installed):
    folder, environment = installed
    (folder / "a.unknown").touch()
    (folder / "a.ones").touch()
    zarr.create_array(folder / "volume", shape=(4, 5), dtype="uint8")
    code = """
import json
from dalsegno.components import component_names, config_class
from dalsegno.errors import ConfigError, DataError
from dalsegno.sources import SourceSpec, from_spec, open_source

def error_of(function, *arguments, **options):
    try:
        function(*arguments, **options)
    except (ConfigError, DataError) as error:
        return str(error)

print(json.dumps({
    "array": error_of(config_class, "WiltedArray", "array"),
    "format": error_of(open_source, "a.unknown", format="wilted"),
    "no format": error_of(open_source, "a.unknown", format="empty"),
    "text": error_of(open_source, "a.unknown", format="text"),
    "unknown": error_of(open_source, "a.unknown"),
    "beside": open_source("volume").shape,
    "any option": int(open_source("a.ones", value=5)[1, 2]),
    "kind": error_of(from_spec, SourceSpec("wilted")),
    "names": [name for name in component_names("array") if name in ("CropArray", "NegatedArray")],
    "stripes": from_spec(SourceSpec("stripes", params={"width": 1}))[0].tolist(),
}))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    for what in ("array", "format", "unknown", "kind"):
        assert "flowers.wilted" in said[what], what
        assert "No module named 'no_such_library'" in said[what], what
    assert "flowers.stripes" in said["no format"]
    for what in ("no format", "text"):
        assert "has no FORMAT that is a FileFormat" in said[what]
    assert "nosy has looked, and failed: ZeroDivisionError: petals" in said["unknown"]
    assert said["beside"] == [4, 5]
    assert said["any option"] == 5
    assert said["names"] == ["CropArray", "NegatedArray"]
    assert said["stripes"] == [0, 1, 0, 1, 0, 1]
