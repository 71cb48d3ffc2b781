from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dalsegno.errors import DataError
from dalsegno.sources.attributes import geometry_from_attributes
from dalsegno.sources.geometry import Geometry


def decimals(*texts):
    return tuple(map(Decimal, texts))


def geometry(attributes, ndim=3, **options):
    return geometry_from_attributes(attributes, ndim, **options)


@pytest.mark.parametrize(
    ("attributes", "told"),
    [
        ({}, Geometry()),
        (
            {"offset": [8, 0, 4.6], "resolution": [8, 4, 4.6], "axes": ["z", "y", "x"], "units": ["nm", "nm", "nm"]},
            Geometry(("z", "y", "x"), decimals("8", "4", "4.6"), decimals("8", "0", "4.6"), "nm"),
        ),
        (
            {"voxel_size": [1, 2], "axis_names": ["c^", "y", "x"], "units": "nanometer"},
            Geometry(("c", "y", "x"), decimals("1", "2"), units="nm"),
        ),
        (
            {"voxel_size": [1, 3, 5], "axis_names": ["channels", "y", "x"], "channels": ["a", "b"]},
            Geometry(("c", "y", "x"), decimals("3", "5"), channels=("a", "b")),
        ),
        (
            {"voxel_size": [3, 5], "axis_names": ["k", "y", "x"], "types": ["channel", "space", "space"]},
            Geometry(("c", "y", "x"), decimals("3", "5")),
        ),
        (
            {"voxel_size": [9, 3, 5], "axis_names": ["t", "y", "x"], "units": ["s", "nm", "um"], "offset": [1, 7, 2]},
            Geometry(("t", "y", "x"), decimals("3", "5000"), decimals("7", "2000"), "nm"),
        ),
        ({"voxel_size": [4, 4, 4], "units": ["", "", ""]}, Geometry(voxel_size=decimals("4", "4", "4"))),
    ],
)
def test_funlib(attributes, told):
    found = geometry(attributes)
    assert found.convention == ("funlib attributes" if attributes else "header")
    assert (found.axes, found.voxel_size, found.offset, found.units, found.channels) == (
        told.axes,
        told.voxel_size,
        told.offset,
        told.units,
        told.channels,
    )


@pytest.mark.parametrize(
    ("more", "reverse", "size"),
    [
        ({"axes": ["z", "y", "x"]}, False, ("5.24", "4", "3")),
        ({"axes": ["x", "y", "z"]}, True, ("3", "4", "5.24")),
        ({"axes": ["z", "y", "x"]}, True, ("5.24", "4", "3")),
        ({"axes": ["x", "y", "z"], "order": "F"}, False, ("3", "4", "5.24")),
        ({"axes": ["z", "y", "x"], "ordering": "C"}, True, ("5.24", "4", "3")),
    ],
)
def test_cosem(more, reverse, size):
    transform = {"scale": [5.24, 4, 3], "translate": [2.62, 0, 0], "units": ["nm"] * 3, **more}
    attributes = {"transform": transform, "pixelResolution": {"dimensions": [1, 1, 1], "unit": "m"}}
    found = geometry(attributes, reverse=reverse)
    assert (found.axes, found.voxel_size, found.units) == (("z", "y", "x"), decimals(*size), "nm")
    assert found.offset == decimals("2.62", "0", "0")[:: 1 if size[0] == "5.24" else -1]
    assert found.convention == "COSEM attributes"


def test_pixel_resolution_is_x_first_and_a_level_multiplies_it():
    resolution = {"dimensions": [4.0, 4.0, 5.24], "unit": "nm"}
    for reverse in (False, True):
        found = geometry({"pixelResolution": resolution, "axes": ["z", "y", "x"]}, reverse=reverse)
        assert found == Geometry(
            ("z", "y", "x"), decimals("5.24", "4.0", "4.0"), units="nm", convention="pixelResolution"
        )
    level = geometry({"pixelResolution": resolution, "downsamplingFactors": [2, 2, 1]}, reverse=True)
    assert level.voxel_size == decimals("5.24", "8.0", "8.0")
    assert geometry({"pixelResolution": [1, 2, 3]}, reverse=True).voxel_size == decimals("3", "2", "1")
    level = geometry({"downsamplingFactors": [4, 2, 1]}, parent={"pixelResolution": resolution}, reverse=True)
    assert (level.voxel_size, level.units) == (decimals("5.24", "8.0", "16.0"), "nm")
    assert level.convention == "pixelResolution and downsamplingFactors"
    level = geometry({"downsamplingFactors": [4, 2, 1]}, parent={"resolution": [1, 2, 3]}, reverse=True)
    assert level.voxel_size == decimals("3", "4", "4")
    assert geometry({"downsamplingFactors": [4, 2, 1]}, parent={}) == Geometry()


def test_hdf5_values_are_numpys():
    attributes = {"element_size_um": np.array([0.1, 0.05, 0.05], np.float32), "axes": np.array([b"z", b"y", b"x"])}
    assert geometry(attributes) == Geometry(
        ("z", "y", "x"), decimals("0.1", "0.05", "0.05"), units="um", convention="element_size_um"
    )
    attributes = {"resolution": np.array([40, 4, 4]), "offset": np.array([0, 8, 8]), "units": np.bytes_("nm")}
    assert geometry(attributes) == Geometry(
        None, decimals("40", "4", "4"), decimals("0", "8", "8"), "nm", convention="funlib attributes"
    )


def test_axes_stand_in_several_places():
    found = geometry(
        {"_ARRAY_DIMENSIONS": ["channel", "y", "x"], "voxel_size": [2, 2]}, dimension_names=("a", "b", "d")
    )
    assert (found.axes, found.voxel_size) == (("c", "y", "x"), decimals("2", "2"))
    assert geometry({}, dimension_names=("t", "y", "x")) == Geometry(("t", "y", "x"), convention="dimension_names")
    assert geometry({}, dimension_names=(None, "y", "x")) == Geometry()
    assert geometry({"axis_names": ["y", "x"]}, dimension_names=("z", "y", "x")).axes == ("z", "y", "x")


@pytest.mark.parametrize("unit", ["parsec", "", None, "voxel"])
def test_units_that_can_not_be_joined_are_an_error(unit):
    attributes = {"voxel_size": [4, 4, 4], "units": ["nm", "um", unit], "axis_names": ["z", "y", "x"]}
    with pytest.raises(DataError, match=r"a\.zarr: the axes have the units .*can't be converted"):
        geometry(attributes, what="a.zarr")


NONSENSE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.just(b"z"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["scale", "axes", "unit"]), inner),
    max_leaves=6,
)
NAMES = ["offset", "voxel_size", "resolution", "axis_names", "axes", "types", "units", "channels", "transform"]
NAMES += ["pixelResolution", "element_size_um", "downsamplingFactors", "_ARRAY_DIMENSIONS"]


@given(
    st.dictionaries(st.sampled_from(NAMES), NONSENSE),
    st.none() | st.dictionaries(st.sampled_from(NAMES), NONSENSE),
    st.booleans(),
)
def test_nonsense_is_no_crash(attributes, parent, reverse):
    try:
        found = geometry(attributes, parent=parent, reverse=reverse)
    except DataError:
        return
    assert found.axes is None or len(found.axes) == 3
    for numbers in (found.voxel_size, found.offset):
        assert numbers is None or all(isinstance(number, Decimal) and number.is_finite() for number in numbers)
