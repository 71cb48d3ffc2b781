import pickle

import numpy as np
import pytest
from funlib.geometry import Coordinate, Roi
from hypothesis import given
from hypothesis.extra.numpy import arrays

from dalsegno.arrays.numpy_array import NumpyArray
from dalsegno.errors import DataError
from dalsegno.experiments.trainers.gunpowder_source import gp

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


def test_a_box_of_voxels_has_a_region():
    box = (slice(1, 3), slice(0, 4))
    np.testing.assert_array_equal(array()[array().region(box)], DATA[(slice(None), *box)])


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


@pytest.mark.parametrize("value", [70000, -1, float("nan"), [[[1, 70000]]]])
def test_plain_numbers_that_the_dtype_does_not_hold_are_not_written(value):
    one = array(data=DATA.copy())
    with pytest.raises(DataError, match="can't be written as uint16") as error:
        one[Roi((12, 22), (8, 4))] = value
    assert isinstance(error.value, OverflowError)
    with pytest.raises(OverflowError):
        one.source[:, 1:3, 1:3] = value
    np.testing.assert_array_equal(one.data, DATA)


@given(values=arrays(np.int64, (2, 2, 2)))
def test_arrays_are_cast_as_numpy_casts_them(values):
    one = array(data=DATA.copy())
    one[Roi((12, 22), (8, 4))] = values
    np.testing.assert_array_equal(one[Roi((12, 22), (8, 4))], values.astype(np.uint16))


def test_what_is_written_has_the_shape_of_the_region():
    with pytest.raises(DataError, match=r"shape \(3,\) don't fit the region of shape \(2, 2, 2\)"):
        array(data=DATA.copy())[Roi((12, 22), (8, 4))] = [1, 2, 3]


@pytest.mark.parametrize("index", [0, slice(0, 3), ..., (0, 1), None, Coordinate(1, 2)], ids=repr)
def test_an_index_that_is_no_region_is_an_error_that_says_what_to_use(index):
    with pytest.raises(DataError, match=r"array\.data .* as_source\(array\)"):
        array()[index]
    with pytest.raises(DataError, match="by region"):
        array(data=DATA.copy())[index] = 1


def test_numpy_takes_an_array_for_its_voxels():
    np.testing.assert_array_equal(np.asarray(array()), DATA)
    assert np.asarray(array(), np.float32).dtype == np.float32
    copied = np.array(array())
    copied[...] = 0
    assert array().data.any()


@pytest.mark.parametrize(
    ("dtype", "fill"),
    [
        ("uint8", 256),
        ("uint8", -1),
        ("int16", 0.5),
        ("uint64", 2**64),
        ("int32", np.nan),
        ("int32", np.inf),
        ("bool", 2),
    ],
)
def test_a_fill_value_that_the_dtype_does_not_hold_is_an_error(dtype, fill):
    one = array(data=DATA.astype(dtype))
    for roi in (Roi((4, 16), (24, 8)), one.roi):
        with pytest.raises(DataError, match=f"fill_value={fill} is no {dtype}"):
            one.to_ndarray(roi, fill_value=fill)


@pytest.mark.parametrize(
    ("dtype", "fill"), [("uint8", 255), ("uint64", 2**64 - 1), ("bool", True), ("int8", -128.0), ("float16", np.nan)]
)
def test_a_fill_value_that_the_dtype_holds_is_kept(dtype, fill):
    padded = array(data=DATA.astype(dtype)).to_ndarray(Roi((0, 0), (8, 4)), fill_value=fill)
    np.testing.assert_array_equal(padded, np.full((2, 2, 2), fill, dtype))


def test_an_unknown_way_to_snap_is_an_error():
    with pytest.raises(DataError, match="'grwo' is none of error, grow, shrink, closest"):
        array().to_ndarray(Roi((9, 21), (8, 4)), snap="grwo")


def test_shapes_that_do_not_fit_are_errors():
    with pytest.raises(DataError, match="does not fill"):
        NumpyArray.from_np_array(DATA, Roi((0, 0), (4, 5)), Coordinate(2, 2), ["c", "y", "x"])
    with pytest.raises(DataError, match="does not fill"):
        NumpyArray.from_np_array(DATA, Roi((0, 0), (4, 5)), Coordinate(1, 1), ["z", "y", "x"])
    with pytest.raises(DataError, match=r"shape \(2, 4, 5\) and axes \['y', 'x'\]"):
        NumpyArray.from_np_array(DATA, Roi((0, 0), (4, 5)), Coordinate(1, 1), ["y", "x"])


@pytest.mark.parametrize("axes", [["c", "y", "y"], ["c", "c", "x"], ["c", "y", ""]])
def test_every_axis_has_a_name_of_its_own(axes):
    spatial = 3 - axes.count("c")
    with pytest.raises(DataError, match="a name of its own"):
        NumpyArray.from_np_array(DATA, Roi((0,) * spatial, DATA.shape[-spatial:]), Coordinate((1,) * spatial), axes)


def test_lists_are_voxels_too():
    one = NumpyArray.from_np_array([[1, 2], [3, 4]], Roi((0, 0), (2, 2)), Coordinate(1, 1), ["y", "x"])
    np.testing.assert_array_equal(one.data, [[1, 2], [3, 4]])


def gunpowder_array(data, dims):
    spec = gp.ArraySpec(roi=Roi((8,) * dims, Coordinate(data.shape[-dims:]) * 2), voxel_size=Coordinate((2,) * dims))
    return gp.Array(data, spec)


@pytest.mark.parametrize(("dims", "axes"), [(2, ["c", "y", "x"]), (3, ["z", "y", "x"])])
def test_from_a_gunpowder_array(dims, axes):
    one = NumpyArray.from_gp_array(gunpowder_array(DATA, dims))
    assert (one.axes, one.units, one.voxel_size) == (axes, "voxel", (2,) * dims)
    assert one.roi == Roi((8,) * dims, Coordinate(DATA.shape[-dims:]) * 2)
    np.testing.assert_array_equal(one.data, DATA)


@pytest.mark.parametrize("shape", [(2, 1, 4, 5, 6), (3, 2, 1, 4, 5, 6)])
def test_a_gunpowder_batch_is_an_error(shape):
    with pytest.raises(DataError, match=rf"{len(shape) - 3} axes before .* one sample of a batch"):
        NumpyArray.from_gp_array(gunpowder_array(np.zeros(shape), 3))


def test_a_gunpowder_array_of_five_spatial_axes_is_an_error():
    with pytest.raises(DataError, match="5 axes"):
        NumpyArray.from_gp_array(gunpowder_array(np.zeros((1,) * 5), 5))


def test_an_array_can_be_pickled():
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(array())).data, DATA)
