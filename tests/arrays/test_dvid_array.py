import pickle

import numpy as np
import pytest
from funlib.geometry import Coordinate, Roi

from dalsegno.arrays.dvid_array import DVIDArray, DVIDArrayConfig
from dalsegno.errors import ConfigError, DataError
from dvid_server import UUID, DvidServer

LABELS = np.random.default_rng(0).integers(0, 2**40, (20, 30, 40)).astype(np.uint64)


@pytest.fixture(scope="module")
def server():
    with DvidServer() as server:
        server.add("labels", LABELS, first=(2, 3, 4), size=(40, 8, 8), type_name="labelmap")
        server.add("fine", LABELS, size=(5.25, 5.25, 5.25))
        yield server


def test_an_array_in_the_world(server):
    array = DVIDArrayConfig(name="labels", source=(server.url, UUID, "labels")).open()
    assert isinstance(array, DVIDArray)
    assert (array.axes, array.spatial_axes, array.dims, array.num_channels) == (
        ["z", "y", "x"],
        ["z", "y", "x"],
        3,
        None,
    )
    assert (array.voxel_size, array.units, array.dtype) == (Coordinate(40, 8, 8), "nm", np.uint64)
    assert array.roi == Roi((80, 24, 32), (800, 240, 320))
    assert array.origins == dict.fromkeys(("axes", "voxel_size", "offset", "units"), "DVID")
    region = Roi((120, 40, 64), (80, 80, 8))
    np.testing.assert_array_equal(array[region], LABELS[1:3, 2:12, 4:5])
    np.testing.assert_array_equal(array.data, LABELS)
    with pytest.raises(DataError, match="not inside the data"):
        array[Roi((0, 24, 32), (800, 240, 320))]
    copy = pickle.loads(pickle.dumps(array))
    np.testing.assert_array_equal(copy[region], array[region])


def test_attributes_are_what_the_server_says_and_stay_there(server):
    array = DVIDArrayConfig(source=[server.url, UUID, "labels"]).open()
    assert array.attrs["Extended"]["VoxelSize"] == [8, 8, 40]
    assert array.attrs["Base"]["TypeName"] == "labelmap"
    assert not array.writable
    with pytest.raises(DataError, match=r"read-only.*'description'"):
        array.add_metadata({"description": "mine"})
    with pytest.raises(DataError, match="read-only"):
        array[array.roi] = 0


def test_the_config_wins(server):
    array = DVIDArrayConfig(
        source=(server.url, UUID, "labels"), voxel_size=(4, 4, 4), offset=(0, 4, 8), units="um"
    ).open()
    assert (array.voxel_size, array.units, array.roi.begin) == (Coordinate(4, 4, 4), "um", Coordinate(0, 4, 8))
    assert array.origins["voxel_size"] == "config"
    fine = DVIDArrayConfig(source=(server.url, UUID, "fine"))
    assert (fine.open().units, fine.open().voxel_size) == ("pm", Coordinate(5250, 5250, 5250))
    with pytest.raises(ConfigError, match="units: pm"):
        DVIDArrayConfig(source=(server.url, UUID, "fine"), units="nm").open()


def test_verify_asks_the_server(server):
    assert DVIDArrayConfig(source=(server.url, UUID, "labels")).verify()[0]
    valid, message = DVIDArrayConfig(source=(server.url, UUID, "lost")).verify()
    assert not valid
    assert "'lost' not found" in message
