"""Numbers of headers and configs become world coordinates exactly, or not at all."""

from decimal import Decimal
from fractions import Fraction

import pytest
from funlib.geometry import Coordinate, Roi
from hypothesis import given
from hypothesis import strategies as st

from dalsegno.arrays.frame import find_frame
from dalsegno.errors import ConfigError, DataError
from dalsegno.sources import Geometry
from dalsegno.units import NAMES, factor

UNITS = st.sampled_from([unit for unit in NAMES if unit != "voxel"])
NUMBERS = st.decimals(min_value=-(10**9), max_value=10**9, places=12, allow_nan=False, allow_infinity=False)
SIZES = NUMBERS.filter(lambda number: number > 0)
SHAPE = (4, 5)


def axes_of(strategy):
    return st.tuples(strategy, strategy)


def exactly(coordinates, units, wanted):
    """Return world coordinates as numbers of another unit."""
    return [Fraction(number) * factor(units, wanted) for number in coordinates]


def whole_in(unit, numbers, units):
    return all((Fraction(number) * factor(units, unit)).denominator == 1 for number in numbers)


@given(axes_of(SIZES), axes_of(NUMBERS), UNITS)
def test_what_a_header_says_is_kept_to_the_last_digit(sizes, offset, units):
    header = Geometry(("y", "x"), sizes, offset, units, convention="a header")
    if not whole_in("zm", (*sizes, *offset), units):
        with pytest.raises(ConfigError, match="is not whole"):
            find_frame(SHAPE, Geometry(), header, what="a.zarr")
        return
    frame = find_frame(SHAPE, Geometry(), header, what="a.zarr")
    assert exactly(frame.voxel_size, frame.units, units) == list(map(Fraction, sizes))
    assert exactly(frame.offset, frame.units, units) == list(map(Fraction, offset))
    assert frame.roi(SHAPE) == Roi(frame.offset, Coordinate(SHAPE) * frame.voxel_size)
    assert set(frame.origins.values()) == {"a header"}


@given(axes_of(SIZES), axes_of(NUMBERS), UNITS, UNITS)
def test_a_unit_that_is_asked_for_holds_them_or_is_an_error(sizes, offset, units, wanted):
    header = Geometry(("y", "x"), sizes, offset, units)
    if not whole_in(wanted, (*sizes, *offset), units):
        with pytest.raises(ConfigError, match=f"{wanted} is not whole"):
            find_frame(SHAPE, Geometry(units=wanted), header, what="a.zarr")
        return
    frame = find_frame(SHAPE, Geometry(units=wanted), header, what="a.zarr")
    assert frame.units == wanted
    assert exactly(frame.voxel_size, wanted, units) == list(map(Fraction, sizes))
    assert exactly(frame.offset, wanted, units) == list(map(Fraction, offset))


def test_half_voxels_choose_a_finer_unit():
    header = Geometry(("y", "x"), (Decimal("4.6"), Decimal(3)), (Decimal("2.3"), Decimal("-1.5")), "nm")
    frame = find_frame(SHAPE, Geometry(), header, what="a.zarr")
    assert (frame.voxel_size, frame.offset, frame.units) == ((4600, 3000), (2300, -1500), "pm")
    with pytest.raises(ConfigError, match=r"offset \[2.3, -1.5\] nm is not whole|voxel_size \[4.6, 3\] nm"):
        find_frame(SHAPE, Geometry(units="nm"), header, what="a.zarr")


def test_numbers_that_no_unit_holds_are_an_error_that_says_what_to_write():
    header = Geometry(("y", "x"), (Decimal("0.36036045430000001"), Decimal(1)), None, "um")
    with pytest.raises(ConfigError, match=r"a\.zarr: voxel_size .* voxel_size: \[360360, 1000000\], units: pm"):
        find_frame(SHAPE, Geometry(), header, what="a.zarr")
    with pytest.raises(ConfigError, match="say how large voxels are"):
        find_frame(SHAPE, Geometry(voxel_size=(Decimal("0.5"), Decimal(1))), Geometry(), what="a.zarr", unitless=True)


class TestAxes:
    header = Geometry(
        ("t", "c", "z", "y", "x"), tuple(map(Decimal, (3, 2, 1))), tuple(map(Decimal, (30, 20, 10))), "nm"
    )

    def test_time_of_length_1_is_not_shown(self):
        frame = find_frame((1, 2, 4, 5, 6), Geometry(), self.header, what="a.zarr")
        assert frame.shown == ["c", "z", "y", "x"]
        assert frame.roi((1, 2, 4, 5, 6)) == Roi((30, 20, 10), (12, 10, 6))

    def test_longer_time_needs_a_choice(self):
        with pytest.raises(DataError, match=r"'t' .* has length 7.*`select`.*\{t: 0\}"):
            find_frame((7, 2, 4, 5, 6), Geometry(), self.header, what="a.zarr")
        frame = find_frame((7, 2, 4, 5, 6), Geometry(), self.header, what="a.zarr", select={"t": 6})
        assert frame.selected == {"t": 6}
        for position in (7, -1):
            with pytest.raises(DataError, match="length 7; choose from 0 to 6"):
                find_frame((7, 2, 4, 5, 6), Geometry(), self.header, what="a.zarr", select={"t": position})

    def test_a_choice_removes_any_axis_with_its_numbers(self):
        frame = find_frame((1, 2, 4, 5, 6), Geometry(), self.header, what="a.zarr", select={"c": 1, "y": 4})
        assert (frame.shown, frame.voxel_size, frame.offset) == (["z", "x"], (3, 1), (30, 10))
        with pytest.raises(DataError, match="`select` names 'q'"):
            find_frame((1, 2, 4, 5, 6), Geometry(), self.header, what="a.zarr", select={"q": 0})
        with pytest.raises(DataError, match="no spatial axis"):
            find_frame((1, 2), Geometry(), Geometry(("t", "c")), what="a.zarr")

    def test_numbers_of_the_config_are_for_the_axes_that_are_shown(self):
        given_ = Geometry(voxel_size=(Decimal(8), Decimal(4)), units="nm")
        frame = find_frame((1, 2, 4, 5, 6), given_, self.header, what="a.zarr", select={"z": 0})
        assert (frame.voxel_size, frame.offset) == ((8, 4), (20, 10))
        assert frame.origins == {"axes": "header", "voxel_size": "config", "offset": "header", "units": "config"}

    def test_axes_of_the_config_rename_those_of_the_header(self):
        given_ = Geometry(axes=("t", "c", "c2", "y", "x"))
        with pytest.raises(DataError, match="length 7"):
            find_frame((7, 2, 4, 5, 6), given_, self.header, what="a.zarr")
        given_ = Geometry(axes=("a", "b", "c", "y", "x"))
        frame = find_frame((7, 2, 4, 5, 6), given_, self.header, what="a.zarr", select={"a": 0, "b": 1})
        assert (frame.shown, frame.voxel_size) == (["c", "y", "x"], (2, 1))

    def test_numbers_go_with_their_axes_where_the_config_corrects_the_order(self):
        header = Geometry(("c", "z", "y", "x"), tuple(map(Decimal, (3, 2, 1))), tuple(map(Decimal, (30, 20, 10))), "nm")
        frame = find_frame((4, 5, 6, 2), Geometry(axes=("z", "y", "x", "c")), header, what="a.zarr")
        assert (frame.shown, frame.voxel_size, frame.offset) == (["z", "y", "x", "c"], (3, 2, 1), (30, 20, 10))
        assert frame.origins["voxel_size"] == "header"
        frame = find_frame((4, 6, 5, 2), Geometry(axes=("z", "x", "y", "c")), header, what="a.zarr", select={"z": 0})
        assert (frame.shown, frame.voxel_size, frame.offset) == (["x", "y", "c"], (1, 2), (10, 20))

    @pytest.mark.parametrize("known", [None, ("c", "z", "y", "x")])
    def test_numbers_go_in_their_order_where_the_config_names_axes_that_the_header_does_not(self, known):
        header = Geometry(known, tuple(map(Decimal, (3, 2, 1))), None, "nm")
        frame = find_frame((4, 5, 6, 2), Geometry(axes=("u", "v", "w", "c")), header, what="a.zarr", select={"v": 0})
        assert (frame.shown, frame.voxel_size) == (["u", "w", "c"], (3, 1))
        with pytest.raises(DataError, match="has 3 numbers, but there are 2 spatial axes"):
            find_frame((4, 5), Geometry(axes=("u", "v")), header, what="a.zarr")

    def test_names_of_channels_go_with_the_channels(self):
        header = Geometry(("c", "y", "x"), channels=("a", "b"))
        assert find_frame((2, 4, 5), Geometry(), header, what="a.zarr").channels == ("a", "b")
        assert find_frame((3, 4, 5), Geometry(), header, what="a.zarr").channels is None
        assert find_frame((2, 4, 5), Geometry(), header, what="a.zarr", select={"c": 0}).channels is None
