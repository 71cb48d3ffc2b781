import json
import shutil
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
import zarr

from dalsegno.errors import DataError
from dalsegno.sources import Geometry, open_source, open_webknossos

DATASET = Path(__file__).parent / "data/webknossos"
START, END = (5, 8, 6), (43, 37, 27)


def grid(mag):
    """x, y, z of every voxel of the bounding box, grown to whole voxels; axes (z, y, x)."""
    starts = [start // step * step for start, step in zip(START, mag, strict=True)]
    x, y, z = (np.arange(*bounds) for bounds in zip(starts, END, mag, strict=True))
    return np.meshgrid(z, y, x, indexing="ij")[::-1]


def voxels(layer, mag):
    x, y, z = grid(mag)
    if layer == "color":
        return ((x + 3 * y + 7 * z) % 251).astype(np.uint8)
    if layer == "segmentation":
        return (1 + x // 8 + 10 * (y // 8) + 1000 * (z // 8)).astype(np.uint32)
    return np.stack([1 + x + 50 * c for c in range(3)]).astype(np.uint16)


@pytest.fixture
def copy(tmp_path):
    """A copy of the dataset, and a function that changes its properties."""
    folder = tmp_path / "copy"
    shutil.copytree(DATASET, folder)

    def edit(change):
        path = folder / "datasource-properties.json"
        properties = json.loads(path.read_text())
        change(properties, {layer["name"]: layer for layer in properties["dataLayers"]})
        path.write_text(json.dumps(properties))
        return folder

    return edit


@pytest.mark.parametrize(
    ("name", "layer", "mag"),
    [
        ("color", "color", (1, 1, 1)),
        ("color/2", "color", (2, 2, 2)),
        ("segmentation/1", "segmentation", (1, 1, 1)),
        ("segmentation/2-2-1", "segmentation", (2, 2, 1)),
        ("channels", "channels", (1, 1, 1)),
    ],
)
def test_reads_the_bounding_box_of_a_layer(name, layer, mag):
    source = open_source(DATASET, name)
    expected = voxels(layer, mag)
    assert (source.format, source.shape, source.dtype) == ("webknossos", expected.shape, expected.dtype)
    np.testing.assert_array_equal(source[:], expected)
    np.testing.assert_array_equal(source[..., 2:9, 3, 5:-1], expected[..., 2:9, 3, 5:-1])
    assert not source.writable


def test_chunks_and_shards_are_those_of_the_array():
    assert (open_source(DATASET, "color").chunks, open_source(DATASET, "color").shards) == ((16,) * 3, (32,) * 3)
    assert (open_source(DATASET, "channels").chunks, open_source(DATASET, "channels").shards) == ((3, 16, 16, 16), None)


def test_the_properties_tell_the_geometry():
    size = (Decimal("28.0"), Decimal("11.24"), Decimal("11.24"))
    fine, coarse = open_source(DATASET, "color").metadata, open_source(DATASET, "segmentation/2-2-1").metadata
    offset = (6 * size[0], 8 * size[1], 5 * size[2])
    assert fine == Geometry(("z", "y", "x"), size, offset, "nm", convention="WEBKNOSSOS")
    # the box begins at x = 5, within the coarse voxel from 4 on
    assert coarse.voxel_size == (size[0], 2 * size[1], 2 * size[2])
    assert coarse.offset == (6 * size[0], 8 * size[1], 4 * size[2])
    assert open_source(DATASET, "channels").metadata.axes == ("c", "z", "y", "x")
    assert open_source(DATASET, "segmentation").attrs["largestSegmentId"] == 3045


@pytest.mark.parametrize(
    ("scale", "size", "units"),
    [
        ([4, 4.5, 40], ("40", "4.5", "4"), "nm"),
        ({"factor": [0.1, 0.2, 0.3], "unit": "micrometer"}, ("0.3", "0.2", "0.1"), "um"),
        ({"factor": [1, 1, 1], "unit": "parsec"}, ("1", "1", "1"), None),
        (None, None, None),
    ],
)
def test_scales_old_and_new(copy, scale, size, units):
    folder = copy(lambda properties, _: properties.update(scale=scale))
    geometry = open_source(folder, "color").metadata
    assert (geometry.voxel_size, geometry.units) == (size and tuple(map(Decimal, size)), units)


def test_what_is_not_there_is_named():
    with pytest.raises(ValueError, match=r"name one as internal_path.*color, segmentation, channels"):
        open_source(DATASET)
    with pytest.raises(IndexError, match=r"no layer 'colour' in .*; it has color, segmentation, channels"):
        open_source(DATASET, "colour")
    with pytest.raises(KeyError, match=r"'segmentation' in .* has no mag 2; it has 1, 2-2-1"):
        open_source(DATASET, "segmentation/2")
    with pytest.raises(ValueError, match="'two' is no magnification"):
        open_source(DATASET, "color/two")


def test_a_lone_layer_needs_no_name(copy):
    folder = copy(lambda properties, layers: properties.update(dataLayers=[layers["color"]]))
    np.testing.assert_array_equal(open_source(folder)[:], voxels("color", (1, 1, 1)))


@pytest.mark.parametrize("order", ["zyx", "xyz", "ycxz"])
def test_axes_are_read_in_the_order_in_which_they_are_stored(copy, order):
    def store_elsewhere(properties, layers):
        layers["color"]["mags"] = [
            {"mag": 1, "path": "other", "axisOrder": {axis: at for at, axis in enumerate(order)}}
        ]

    folder = copy(store_elsewhere)
    world = np.random.default_rng(0).integers(0, 255, (27, 37, 43, 1), np.uint8)
    stored = world.transpose(["zyxc".index(axis) for axis in order]) if "c" in order else world[..., 0]
    stored = stored if "c" in order else stored.transpose(["zyx".index(axis) for axis in order])
    zarr.create_array(
        folder / "other", data=np.ascontiguousarray(stored), chunks=tuple(min(9, n) for n in stored.shape)
    )
    np.testing.assert_array_equal(open_source(folder, "color")[:], world[6:27, 8:37, 5:43, 0])


def test_one_channel_of_several(copy):
    def second(properties, layers):
        layers["channels"].update(numChannels=1)
        layers["channels"]["mags"][0]["channelIndex"] = 1

    source = open_source(copy(second), "channels")
    np.testing.assert_array_equal(source[:], voxels("channels", (1, 1, 1))[1])


def test_a_path_is_not_needed(copy):
    folder = copy(lambda _, layers: [mag.pop("path") for layer in layers.values() for mag in layer["mags"]])
    np.testing.assert_array_equal(open_source(folder, "segmentation/2-2-1")[:], voxels("segmentation", (2, 2, 1)))


def test_the_end_of_a_coarse_voxel_may_be_missing(copy):
    def grow(end):
        def change(properties, layers):
            layers["color"]["boundingBox"].update(topLeft=[4, 8, 6], width=end - 4, height=8, depth=8)

        return change

    # the array has 32 voxels of magnification 2 along x
    source = open_source(copy(grow(65)), "color/2")
    assert source.shape == (4, 4, 31)
    np.testing.assert_array_equal(source[:, :, -1], 0)
    np.testing.assert_array_equal(source[:, :, -1:], np.zeros((4, 4, 1)))
    np.testing.assert_array_equal(source[:, :, :10], voxels("color", (2, 2, 2))[:4, :4, :10])
    with pytest.raises(DataError, match="less than the layer's bounding box"):
        open_source(copy(grow(66)), "color/2")


def test_a_bounding_box_that_begins_before_the_arrays_is_an_error(copy):
    folder = copy(lambda _, layers: layers["color"]["boundingBox"].update(topLeft=[-5, 8, 6]))
    for layer in ("color", "color/2"):
        with pytest.raises(DataError, match=r"begins at \(-5, 8, 6\).*correct datasource-properties"):
            open_source(folder, layer)
    with pytest.raises(DataError, match=r"begins at \(-5, 8, 6\)"):
        open_webknossos(folder, layer_name="color")


def test_layers_that_are_no_zarr_need_the_client(copy):
    folder = copy(lambda _, layers: layers["color"].update(dataFormat="wkw"))
    with pytest.raises(DataError, match=r"stored as wkw.*open_webknossos.*dalsegno\[webknossos\]"):
        open_source(folder, "color")


def test_more_axes_than_space_and_channels_are_refused(copy):
    order = {"c": 0, "t": 1, "x": 2, "y": 3, "z": 4}
    folder = copy(lambda _, layers: layers["color"]["mags"][0].update(axisOrder=order))
    with pytest.raises(DataError, match=r"'t'.*only c, x, y, z"):
        open_source(folder, "color")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"dataLayers": 3}'])
def test_damaged_properties_are_a_data_error(tmp_path, text):
    (tmp_path / "datasource-properties.json").write_text(text)
    with pytest.raises(DataError, match=r"datasource-properties\.json"):
        open_source(tmp_path, "color")


@pytest.mark.parametrize("key", ["boundingBox", "mags"])
def test_nonsense_in_the_properties_is_a_data_error(copy, key):
    folder = copy(lambda _, layers: layers["color"].update({key: {"topLeft": "here"}}))
    with pytest.raises(DataError, match=r"'color'.*correct it"):
        open_source(folder, "color")


def test_a_damaged_shard_is_a_data_error(copy):
    folder = copy(lambda properties, layers: None)
    shard = folder / "color/1/c/0/0/0/0"
    shard.write_bytes(shard.read_bytes()[:100])
    source = open_source(folder, "color")
    with pytest.raises(DataError, match=r"copy/color/1.*complete"):
        source[:]
