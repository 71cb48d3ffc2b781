import json
from decimal import Decimal
from fractions import Fraction

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from dalsegno.errors import DataError
from dalsegno.sources.geometry import Geometry, exact_decimal
from dalsegno.sources.ome_zarr.metadata import Level, multiscales_metadata
from dalsegno.sources.ome_zarr.multiscale_image import multiscale_image
from dalsegno.units import NAMES


def decimals(*texts):
    return tuple(map(Decimal, texts))


LENGTHS = st.decimals(-1000, 1000, places=4) | st.integers(-(10**9), 10**9).map(Decimal)
SIZES = st.decimals(Decimal("0.0001"), 1000, places=4) | st.integers(1, 10**6).map(Decimal)


@st.composite
def geometries(draw):
    axes = draw(st.sampled_from(["yx", "zyx", "cyx", "tczyx", "xyz", "czyx", "tyx"]))
    spatial = sum(axis not in "tc" for axis in axes)
    return Geometry(
        axes=tuple(axes),
        voxel_size=tuple(draw(st.lists(SIZES, min_size=spatial, max_size=spatial))),
        offset=tuple(draw(st.lists(LENGTHS, min_size=spatial, max_size=spatial))),
        units=draw(st.sampled_from([None, *sorted(set(NAMES) - {"voxel"})])),
        channels=("a", "b") if "c" in axes else None,
    )


@given(geometries(), st.lists(st.integers(1, 5), max_size=3), st.sampled_from(["0.4", "0.5"]))
def test_what_is_written_reads_as_the_same_geometry(geometry, factors, version):
    levels = [Level("s0", geometry)]
    for number, factor in enumerate(factors, 1):
        size = tuple(length * factor for length in levels[-1].geometry.voxel_size)
        levels.append(Level(f"s{number}", evolve(geometry, voxel_size=size)))
    written = json.loads(json.dumps(multiscales_metadata(levels, name="raw", version=version)))
    image = multiscale_image(written, where="a.zarr")
    assert image.paths == tuple(level.path for level in levels)
    for number, level in enumerate(levels):
        found = image.geometry(number, len(geometry.axes))
        assert found == evolve(level.geometry, convention=f"OME-Zarr {version}")


def test_written_metadata_is_that_of_the_standard():
    geometry = Geometry(("c", "y", "x"), decimals("4", "5.24"), decimals("8", "0"), "nm", ("a", "b"))
    written = multiscales_metadata(
        [Level("s0", geometry), Level("s1", evolve(geometry, voxel_size=decimals("8", "10.48")))],
        name="raw",
        version="0.5",
    )
    (entry,) = written["ome"]["multiscales"]
    assert entry["axes"] == [
        {"name": "c", "type": "channel"},
        {"name": "y", "type": "space", "unit": "nanometer"},
        {"name": "x", "type": "space", "unit": "nanometer"},
    ]
    assert [dataset["coordinateTransformations"] for dataset in entry["datasets"]] == [
        [{"type": "scale", "scale": [1.0, 4.0, 5.24]}, {"type": "translation", "translation": [0.0, 8.0, 0.0]}],
        [{"type": "scale", "scale": [1.0, 8.0, 10.48]}, {"type": "translation", "translation": [0.0, 10.0, 2.62]}],
    ]
    assert [channel["label"] for channel in written["ome"]["omero"]["channels"]] == ["a", "b"]
    voxels = multiscales_metadata([Level("s0", Geometry(("y", "x"), units="voxel"))], name="raw", version="0.4")
    assert voxels["multiscales"][0]["axes"] == [{"name": "y", "type": "space"}, {"name": "x", "type": "space"}]
    assert voxels["multiscales"][0]["version"] == "0.4"


def test_what_can_not_be_written_exactly_is_refused():
    many = Geometry(("y", "x"), decimals("1.234567890123456789", "1"))
    with pytest.raises(DataError, match=r"1\.234567890123456789 has too many digits"):
        multiscales_metadata([Level("s0", many)], name="raw", version="0.5")
    one = Geometry(("y", "x"), decimals("1", "1"), units="nm")
    with pytest.raises(DataError, match="different axes or units"):
        multiscales_metadata([Level("s0", one), Level("s1", evolve(one, units="um"))], name="raw", version="0.5")
    with pytest.raises(DataError, match="1 numbers"):
        multiscales_metadata([Level("s0", evolve(one, offset=decimals("1")))], name="raw", version="0.5")


def pyramid(*levels, axes=("y", "x"), more=(), **entry):
    """Attributes of a group with one image; a level is its scale and, where it has one, its translation."""
    datasets = []
    for number, (scale, *translation) in enumerate(levels):
        steps = [{"type": "scale", "scale": scale}]
        steps += [{"type": "translation", "translation": one} for one in translation]
        datasets.append({"path": str(number), "coordinateTransformations": steps})
    axes = [axis if isinstance(axis, dict) else {"name": axis, "type": "space", "unit": "nm"} for axis in axes]
    return {"multiscales": [{"version": "0.4", "axes": axes, "datasets": datasets, **entry}], **dict(more)}


def level(attributes, number=0, ndim=2, **options):
    return multiscale_image(attributes, where="a.zarr").geometry(number, ndim, **options)


def test_levels_of_a_pyramid_of_means_have_one_corner():
    attributes = pyramid(([4, 4.2], [10, 0]), ([8, 8.4], [12, 2.1]), ([16, 16.8], [16, 6.3]))
    for number, size in enumerate((("4", "4.2"), ("8", "8.4"), ("16", "16.8"))):
        found = level(attributes, number)
        assert (found.voxel_size, found.offset, found.units) == (decimals(*size), decimals("10", "0"), "nm")
        corner = level(attributes, number, pixel_convention="corner")
        assert corner.offset == (decimals("10", "0"), decimals("12", "2.1"), decimals("16", "6.3"))[number]


def test_without_translations_nothing_is_shifted():
    attributes = pyramid(([4, 4],), ([8, 8],))
    assert level(attributes, 1).offset == decimals("0", "0")
    shifted = pyramid(([4, 4],), ([8, 8],), coordinateTransformations=[{"type": "translation", "translation": [1, 2]}])
    assert level(shifted, 1).offset == decimals("1", "2")
    half = pyramid(([4, 4],), ([8, 8], [2, 2]))
    assert level(half, 0).offset == level(half, 1).offset == decimals("0", "0")


@given(
    st.lists(st.tuples(SIZES, LENGTHS), min_size=1, max_size=4),
    SIZES,
    LENGTHS,
    st.sampled_from(["centre", "corner"]),
)
def test_transformations_compose_exactly(levels, scale, translation, convention):
    numbers = [([float(size)] * 2, [float(place)] * 2) for size, place in levels]
    outer = [
        {"type": "scale", "scale": [float(scale)] * 2},
        {"type": "translation", "translation": [float(translation)] * 2},
    ]
    attributes = pyramid(*numbers, coordinateTransformations=outer)
    for number, (size, place) in enumerate(levels):
        own, first = Fraction(scale) * Fraction(size), Fraction(scale) * Fraction(levels[0][0])
        corner = Fraction(scale) * Fraction(place) + Fraction(translation)
        corner += (first - own) / 2 if convention == "centre" else 0
        found = level(attributes, number, pixel_convention=convention)
        assert (found.voxel_size[0], found.offset[0]) == (exact_decimal(own), exact_decimal(corner))


@pytest.mark.parametrize(
    ("axes", "names", "units"),
    [
        (["c", "y", "x"], ("c", "y", "x"), "nm"),
        ([{"name": "channel", "type": "channel"}, {"name": "y", "unit": "um"}, {"name": "x"}], ("c", "y", "x"), "um"),
        ([{"name": "time"}, {"name": "Y", "unit": "µm"}, {"name": "X", "unit": "µm"}], ("t", "y", "x"), "um"),
        ([{"name": "k", "type": "channel"}, {"name": "y"}, {"name": "x"}], ("c", "y", "x"), None),
        ([{"name": "t", "type": "time", "unit": "second"}, "y", "x"], ("t", "y", "x"), "nm"),
    ],
)
def test_axes_are_found_by_type_or_name(axes, names, units):
    found = level(pyramid(([1, 2, 3], [9, 5, 6]), axes=axes), ndim=3)
    assert found == Geometry(names, decimals("2", "3"), decimals("5", "6"), units, convention="OME-Zarr 0.4")


def test_units_of_their_own_become_one():
    axes = [{"name": "z", "unit": "micrometer"}, {"name": "y", "unit": "nanometer"}, {"name": "x", "unit": "nm"}]
    found = level(pyramid(([0.05, 4, 4], [0.1, 0, 2]), axes=axes), ndim=3)
    assert (found.voxel_size, found.offset, found.units) == (decimals("50", "4", "4"), decimals("100", "0", "2"), "nm")
    axes[0]["unit"] = "fathom"
    with pytest.raises(DataError, match=r"a\.zarr: the axes have the units .*fathom"):
        level(pyramid(([1, 4, 4],), axes=axes), ndim=3)


def test_channels_are_named_where_there_are_some():
    omero = {"omero": {"channels": [{"label": "DAPI"}, {"label": "GFP"}]}}
    assert level(pyramid(([1, 1, 1],), axes="cyx", more=omero), ndim=3).channels == ("DAPI", "GFP")
    assert level(pyramid(([1, 1],), more=omero)).channels is None
    assert level(pyramid(([1, 1, 1],), axes="cyx", more={"omero": {"channels": [{}]}}), ndim=3).channels is None


def test_an_image_is_chosen_by_name():
    two = {"multiscales": pyramid(([1, 1],), name="a")["multiscales"] + pyramid(([2, 2],), name="b")["multiscales"]}
    assert multiscale_image(two, where="a.zarr").geometry(0, 2).voxel_size == decimals("1", "1")
    assert multiscale_image(two, "b", where="a.zarr").geometry(0, 2).voxel_size == decimals("2", "2")
    with pytest.raises(KeyError, match=r"no image named 'c'; it has \['a', 'b'\]"):
        multiscale_image(two, "c", where="a.zarr")
    assert multiscale_image({"labels": ["a"]}, where="a.zarr") is None


def test_version_0_6_places_levels_in_a_coordinate_system():
    def image(*steps, **system):
        axes = [{"name": name, "type": "space", "unit": "micrometer"} for name in "yx"]
        entry = {
            "coordinateSystems": [{"name": "other", "axes": []}, {"name": "physical", "axes": axes}, system],
            "datasets": [
                {"path": "0", "coordinateTransformations": [{"output": "physical", **step} for step in steps]}
            ],
            "coordinateTransformations": [{"type": "affine", "input": "physical", "output": "other"}],
        }
        return {"ome": {"version": "0.6", "multiscales": [entry]}}

    steps = [{"type": "scale", "scale": [0.5, 0.25]}, {"type": "translation", "translation": [1, 2]}]
    found = level(image({"type": "sequence", "transformations": steps, "output": {"name": "physical"}}))
    assert found == Geometry(("y", "x"), decimals("0.5", "0.25"), decimals("1", "2"), "um", convention="OME-Zarr 0.6")
    assert level(image({"type": "identity"})).voxel_size == decimals("1", "1")
    for kind in ("rotation", "affine", "mapAxis", "displacements"):
        with pytest.raises(DataError, match=f"type '{kind}'"):
            level(image({"type": kind}))
    with pytest.raises(DataError, match="'nowhere'"):
        level(image({"type": "identity", "output": "nowhere"}))


def test_before_version_0_4_only_axes_are_known():
    entry = {"version": "0.3", "axes": ["z", "y", "x"], "datasets": [{"path": "0"}]}
    found = level({"multiscales": [entry]}, ndim=3)
    assert found == Geometry(("z", "y", "x"), convention="OME-Zarr 0.3")
    del entry["axes"]
    assert level({"multiscales": [entry | {"version": "0.1"}]}, ndim=5).axes == tuple("tczyx")


def test_images_of_cosem_came_before_the_standard():
    def entry(**more):
        transforms = [
            {"axes": ["z", "y", "x"], "units": ["nm"] * 3, "scale": [6, 4, 4], "translate": [0, 0, 0], **more},
            {"axes": ["z", "y", "x"], "units": ["nm"] * 3, "scale": [12, 8, 8], "translate": [3, 2, 2], **more},
        ]
        return {
            "multiscales": [{"datasets": [{"path": f"s{n}", "transform": one} for n, one in enumerate(transforms)]}]
        }

    assert level(entry(), 1, ndim=3) == Geometry(
        ("z", "y", "x"), decimals("12", "8", "8"), decimals("0", "0", "0"), "nm", convention="COSEM attributes"
    )
    assert level(entry(order="F", axes=["x", "y", "z"]), 1, ndim=3).voxel_size == decimals("8", "8", "12")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"datasets": []}, "no datasets"),
        ({"datasets": [{}]}, "no path"),
        ({"datasets": [{"path": "0"}]}, "level '0' has no list of coordinateTransformations"),
        ({"datasets": [{"path": "0", "coordinateTransformations": []}]}, "level '0' has no scale"),
        ({"axes": []}, "does not name the axes"),
        ({"axes": [{"name": "y"}]}, "names 1 axes"),
        ({"coordinateTransformations": [{"type": "scale", "scale": [1]}]}, r"scale \[1\], but 2 numbers"),
        ({"coordinateTransformations": [{"type": "scale", "path": "scales"}]}, "in a file .'scales'"),
        ({"coordinateTransformations": [{"type": "scale", "scale": ["a", 1]}]}, "2 numbers are needed"),
        ({"coordinateTransformations": [{"type": "scale", "scale": [float("nan"), 1]}]}, "2 numbers are needed"),
        ({"coordinateTransformations": [{"type": "scale", "scale": [0, 1]}]}, "not above 0"),
    ],
)
def test_unusable_metadata_says_what_and_where(change, message):
    entry = pyramid(([1, 1],))["multiscales"][0] | change
    with pytest.raises(DataError, match=rf"a\.zarr.*{message}"):
        level({"multiscales": [entry]})


NONSENSE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["path", "type", "scale"]), inner),
    max_leaves=4,
)
WHOLE = pyramid(([1.5, 2], [3, 4]), ([3, 4], [4, 5]), coordinateTransformations=[{"type": "scale", "scale": [2, 2]}])
COSEM = {"axes": ["y", "x"], "units": ["nm", "nm"], "scale": [6, 4], "translate": [0, 0]}
NEWER = {"coordinateSystems": [{"name": "a", "axes": [{"name": "y"}, {"name": "x", "unit": "nm"}]}]}
OLDER = {"datasets": [{"path": "s0", "transform": COSEM}]}
NEWER["datasets"] = [{"path": "0", "coordinateTransformations": [{"type": "identity", "output": "a"}]}]


@given(
    st.sampled_from([WHOLE, {"multiscales": [OLDER]}, {"multiscales": [NEWER]}]),
    st.data(),
)
def test_nonsense_anywhere_is_a_data_error_at_most(attributes, data):
    damaged = json.loads(json.dumps(attributes))
    place = damaged
    while True:
        keys = list(place) if isinstance(place, dict) else range(len(place))
        key = data.draw(st.sampled_from(list(keys)))
        if not isinstance(place[key], dict | list) or not place[key] or data.draw(st.booleans()):
            break
        place = place[key]
    place[key] = data.draw(NONSENSE)
    try:
        image = multiscale_image(damaged, where="a.zarr")
        found = image.geometry(len(image.paths) - 1, 2) if image else Geometry()
    except DataError:
        return
    assert found.voxel_size is None or all(size > 0 for size in found.voxel_size)
