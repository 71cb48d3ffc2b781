"""Arrays as layers of neuroglancer, through its own server."""

import io
import json
import re
import subprocess
import sys
import urllib.request
import zlib
from pathlib import Path

import numpy as np
import pytest
import tensorstore
import zarr
from funlib.geometry import Coordinate, Roi
from ome_zarr_models.v05.image import Image

from dalsegno.arrays.numpy_array import NumpyArray
from dalsegno.arrays.zarr_array import ZarrArray
from dalsegno.store.array_store import LocalArrayIdentifier

neuroglancer = pytest.importorskip("neuroglancer")


@pytest.fixture(scope="module")
def viewer():
    viewer = neuroglancer.Viewer()
    yield viewer
    neuroglancer.stop()


def shown(viewer, array):
    """Show an array; return its layer, and a function that asks the viewer's server for parts of it."""
    layer, more = array._neuroglancer_layer()
    with viewer.txn() as state:
        state.layers.clear()
        state.layers.append(layer=layer, **more)
    described = viewer.state.to_json()["layers"][0]
    (source,) = described["source"]
    url = source if isinstance(source, str) else source["url"]

    def ask(what):
        address = f"{neuroglancer.server.get_server_url()}/neuroglancer/{what.format(url.rpartition('/')[2])}"
        with urllib.request.urlopen(address, timeout=20) as answer:
            return answer.read()

    return described, ask


def info_of(ask):
    info = json.loads(ask("info/{}"))
    info["voxelOffset"] = [int(number) for number in info["voxelOffset"]]  # sent as texts
    return info


def block(ask, begin, end):
    numbers = [",".join(map(str, corner)) for corner in (begin, end)]
    scale = ",".join("1" * len(begin))
    sent = zlib.decompress(ask(f"npz/{{}}/{scale}/{numbers[0]}/{numbers[1]}"))
    return np.load(io.BytesIO(sent))


def array_of(voxels, begin, voxel_size, axes, units="nm"):
    spatial = Coordinate(size for size, axis in zip(voxels.shape, axes, strict=True) if axis != "c")
    voxel_size = Coordinate(voxel_size)
    return NumpyArray.from_np_array(voxels, Roi(Coordinate(begin), spatial * voxel_size), voxel_size, axes, units=units)


def test_an_image_has_its_place_and_its_voxels(viewer):
    voxels = np.arange(4 * 5 * 6, dtype=np.uint8).reshape(4, 5, 6)
    described, ask = shown(viewer, array_of(voxels, (80, -8, 12), (40, 4, 4), ["z", "y", "x"]))
    assert (described["type"], described["name"]) == ("image", "NumpyArray")
    info = info_of(ask)
    assert info["shape"] == [4, 5, 6]
    assert info["voxelOffset"] == [2, -2, 3]
    assert info["dataType"] == "uint8"
    space = info["coordinateSpace"]
    assert list(space) == ["z", "y", "x"]
    assert [unit for _, unit in space.values()] == ["m"] * 3
    np.testing.assert_allclose([scale for scale, _ in space.values()], [40e-9, 4e-9, 4e-9], rtol=1e-15)
    np.testing.assert_array_equal(block(ask, (1, 0, 2), (3, 5, 6)), voxels[1:3, :, 2:])


@pytest.mark.parametrize(
    ("dtype", "type", "shown_as"),
    [
        ("uint8", "image", "uint8"),
        ("uint16", "image", "uint16"),
        ("float64", "image", "float32"),
        ("float16", "image", "float32"),
        ("uint64", "segmentation", "uint64"),
        ("int64", "segmentation", "uint64"),
        ("int32", "segmentation", "int32"),
        ("bool", "segmentation", "uint8"),
    ],
)
def test_wide_integers_are_labels_and_every_type_is_shown(viewer, dtype, type, shown_as):
    voxels = np.arange(12).reshape(3, 4).astype(dtype)
    described, ask = shown(viewer, array_of(voxels, (0, 0), (1, 1), ["y", "x"], units="voxel"))
    info = info_of(ask)
    assert (described["type"], info["volumeType"], info["dataType"]) == (type, type, shown_as)
    assert info["coordinateSpace"] == {"y": [1, ""], "x": [1, ""]}
    got = block(ask, (0, 0), (3, 4))
    assert got.dtype == shown_as
    np.testing.assert_array_equal(got, voxels)


@pytest.mark.parametrize(("dtype", "channel"), [("uint8", "c^"), ("uint32", "c'")])
def test_channels_are_an_axis_of_their_own(viewer, dtype, channel):
    voxels = np.arange(2 * 3 * 4).reshape(3, 4, 2).astype(dtype)
    _, ask = shown(viewer, array_of(voxels, (3, 4), (3, 2), ["y", "x", "c"]))
    info = info_of(ask)
    assert list(info["coordinateSpace"]) == [channel, "y", "x"]
    assert info["coordinateSpace"][channel] == [1, ""]
    assert info["voxelOffset"] == [0, 1, 2]
    np.testing.assert_array_equal(block(ask, (1, 0, 1), (2, 3, 4)), np.moveaxis(voxels, 2, 0)[1:, :, 1:])


def test_an_offset_between_voxels_moves_the_layer(viewer):
    voxels = np.arange(6, dtype=np.uint8).reshape(2, 3)
    described, ask = shown(viewer, array_of(voxels, (10, -1), (4, 4), ["y", "x"]))
    assert info_of(ask)["voxelOffset"] == [2, -1]
    transform = described["source"][0]["transform"]
    assert transform["matrix"] == [[1, 0, 0.5], [0, 1, 0.75]]
    assert list(transform["outputDimensions"]) == ["y", "x"]


def test_labels_have_meshes(viewer):
    voxels = np.zeros((8, 8, 8), np.uint64)
    voxels[2:6, 2:6, 2:6] = 7
    _, ask = shown(viewer, array_of(voxels, (0, 0, 0), (4, 4, 4), ["z", "y", "x"]))
    assert len(ask("mesh/{}/7")) > 100


def test_without_neuroglancer_the_extra_is_named():
    code = """
import sys
sys.modules["neuroglancer"] = None
from dalsegno.arrays.dummy_array import DummyArrayConfig
from dalsegno.errors import DataError
array = DummyArrayConfig().open()
try:
    array._neuroglancer_layer()
except DataError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "pip install 'dalsegno[neuroglancer]'" in done.stdout, done.stderr


def test_a_written_image_is_what_neuroglancer_opens_by_url(tmp_path):
    """As far as that can be told without a browser: its client knows every word of the metadata."""
    voxels = np.random.default_rng(0).integers(0, 2**16, (2, 40, 200, 200), dtype=np.uint16)
    array = ZarrArray.create_from_array_identifier(
        LocalArrayIdentifier(tmp_path / "a.zarr", "raw"), ["c", "z", "y", "x"], Roi((80, 8, 8), (1600, 800, 800)), 2,
        Coordinate(40, 4, 4), np.uint16, units="nm",
    )  # fmt: skip
    array[array.roi] = voxels
    group = Image.from_zarr(zarr.open_group(tmp_path / "a.zarr/raw", mode="r"))  # checks names, types, units, lengths
    assert group.ome_attributes.version == "0.5"
    stored = json.loads((tmp_path / "a.zarr/raw/s0/zarr.json").read_text())
    (sharding,) = stored["codecs"]
    codecs = [sharding, *sharding["configuration"]["codecs"], *sharding["configuration"]["index_codecs"]]
    client = "".join(file.read_text() for file in Path(neuroglancer.__file__).parent.glob("static/client/*.js"))
    for word in [*(codec["name"] for codec in codecs), stored["data_type"], stored["chunk_key_encoding"]["name"]]:
        assert re.search(rf"[\"'`]{word}[\"'`]|\b{word}:", client, re.IGNORECASE), word
    reader = tensorstore.open({"driver": "zarr3", "kvstore": f"file://{tmp_path}/a.zarr/raw/s0/"}).result()
    np.testing.assert_array_equal(reader[1, 3:9, :50].read().result(), voxels[1, 3:9, :50])
