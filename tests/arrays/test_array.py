import pickle

import numpy as np
import pytest
from funlib.geometry import Coordinate, Roi

from dalsegno.arrays.numpy_array import NumpyArray
from dalsegno.errors import DataError

DATA = np.arange(2 * 4 * 5, dtype=np.uint16).reshape(2, 4, 5)


def array(axes=("c", "y", "x"), data=DATA):
    return NumpyArray.from_np_array(data, Roi((8, 20), (16, 10)), Coordinate(4, 2), list(axes), units="nanometer")


def test_an_array_knows_its_frame():
    one = array()
    assert (one.axes, one.spatial_axes, one.dims, one.num_channels) == (["c", "y", "x"], ["y", "x"], 2, 2)
    assert (one.voxel_size, one.roi, one.units, one.dtype) == (
        Coordinate(4, 2),
        Roi((8, 20), (16, 10)),
        "nm",
        np.uint16,
    )
    assert one.channels is None
    assert one.attrs == {}
    assert array(("y", "x"), DATA[0]).num_channels is None


def test_a_region_reads_its_voxels():
    np.testing.assert_array_equal(array()[Roi((12, 22), (8, 4))], DATA[:, 1:3, 1:3])
    np.testing.assert_array_equal(array().data, DATA)
    assert array()[Roi((12, 22), (0, 4))].shape == (2, 0, 2)


def test_channels_are_read_first_wherever_they_are_stored():
    stored = np.moveaxis(DATA, 0, -1).copy()
    one = array(("y", "x", "c"), stored)
    assert one.axes == ["c", "y", "x"]
    np.testing.assert_array_equal(one[Roi((12, 22), (8, 4))], DATA[:, 1:3, 1:3])
    one[Roi((12, 22), (4, 2))] = [[[7]], [[8]]]
    assert stored[1, 1].tolist() == [7, 8]


@pytest.mark.parametrize("roi", [Roi((4, 20), (8, 4)), Roi((12, 22), (16, 4)), Roi((100, 100), (4, 2))])
def test_a_region_outside_names_both_regions(roi):
    with pytest.raises(DataError) as error:
        array()[roi]
    assert str(roi) in str(error.value)
    assert str(array().roi) in str(error.value)
    assert "fill_value" in str(error.value)


@pytest.mark.parametrize("roi", [Roi((9, 20), (8, 4)), Roi((8, 20), (8, 3))])
def test_a_region_between_voxels_is_an_error_that_names_snap(roi):
    with pytest.raises(DataError, match="snap"):
        array()[roi]
    with pytest.raises(DataError, match="snap"):
        array().to_ndarray(roi, fill_value=0)


def test_a_region_of_other_dimensions_is_an_error():
    with pytest.raises(DataError, match="has 3 axes"):
        array()[Roi((0, 0, 0), (4, 4, 4))]


@pytest.mark.parametrize(
    ("snap", "wanted"),
    [("grow", np.s_[:, 0:3, 0:3]), ("shrink", np.s_[:, 1:2, 1:2]), ("closest", np.s_[:, 0:2, 0:2])],
)
def test_snapping_is_to_the_arrays_own_grid(snap, wanted):
    np.testing.assert_array_equal(array().to_ndarray(Roi((9, 21), (8, 4)), snap=snap), DATA[wanted])


def test_padding_fills_what_lies_outside():
    padded = array().to_ndarray(Roi((4, 16), (24, 8)), fill_value=9)
    wanted = np.full((2, 6, 4), 9, np.uint16)
    wanted[:, 1:5, 2:] = DATA[:, :, :2]
    np.testing.assert_array_equal(padded, wanted)
    assert (array().to_ndarray(Roi((400, 16), (24, 8)), fill_value=9) == 9).all()


def test_writing_broadcasts():
    data = DATA.copy()
    one = array(data=data)
    one[Roi((12, 22), (8, 4))] = 3
    assert (data[:, 1:3, 1:3] == 3).all()
    assert data.sum() == DATA.sum() - DATA[:, 1:3, 1:3].sum() + 8 * 3
    data.flags.writeable = False
    with pytest.raises(DataError, match="read-only"):
        one[one.roi] = 0


def test_shapes_that_do_not_fit_are_errors():
    with pytest.raises(DataError, match="does not fill"):
        NumpyArray.from_np_array(DATA, Roi((0, 0), (4, 5)), Coordinate(2, 2), ["c", "y", "x"])
    with pytest.raises(DataError, match="does not fill"):
        NumpyArray.from_np_array(DATA, Roi((0, 0), (4, 5)), Coordinate(1, 1), ["y", "x"])


def test_from_a_gunpowder_array():
    class Spec:
        roi, voxel_size = Roi((8, 20), (16, 10)), Coordinate(4, 2)

    class Batch:
        spec, data = Spec, DATA

    one = NumpyArray.from_gp_array(Batch)
    assert (one.axes, one.units, one.roi) == (["c", "y", "x"], "voxel", Spec.roi)
    np.testing.assert_array_equal(one.data, DATA)


def test_an_array_can_be_pickled():
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(array())).data, DATA)
