"""OME-Zarr images of the package that belongs to the standard, opened by path or by level."""

import json
import sys
import warnings
from decimal import Decimal

import numpy as np
import pytest
import tensorstore
import zarr

from dalsegno.errors import DataError
from dalsegno.sources import from_spec, open_source

with warnings.catch_warnings():  # of its own classes
    warnings.simplefilter("ignore", DeprecationWarning)
    from ome_zarr.format import FormatV04, FormatV05
    from ome_zarr.writer import write_labels, write_multiscale

pytestmark = pytest.mark.filterwarnings("ignore:.*coordinate_transformations:DeprecationWarning")

DATA = np.random.default_rng(0).integers(0, 1000, (2, 16, 24, 24)).astype(np.uint16)
FORMATS = {"0.4": (2, FormatV04()), "0.5": (3, FormatV05())}
PYRAMID = [DATA[:, :: 2**level, :: 2**level, :: 2**level] for level in range(4)]


def write_image(path, version, group="", pyramid=PYRAMID, **metadata):
    """Write an image with axes c, z, y, x of 40 x 4 x 4.2 nm and levels of means, whose corner is at 80, 0, 0."""
    zarr_format, ome = FORMATS[version]
    root = zarr.open_group(path, mode="a", zarr_format=zarr_format)
    steps = []
    for level in range(len(pyramid)):
        size = [float(Decimal(text) * 2**level) for text in ("40", "4", "4.2")]
        centre = [80 + 20.0 * (2**level - 1), 2.0 * (2**level - 1), float(Decimal("2.1") * (2**level - 1))]
        steps.append([{"type": "scale", "scale": [1.0, *size]}, {"type": "translation", "translation": [0.0, *centre]}])
    axes = [{"name": "c", "type": "channel"}]
    axes += [{"name": name, "type": "space", "unit": "nanometer"} for name in "zyx"]
    image = root.require_group(group) if group else root
    write_multiscale(pyramid, image, fmt=ome, axes=axes, coordinate_transformations=steps, name="raw", **metadata)
    return image


@pytest.mark.parametrize("version", FORMATS)
def test_every_level_is_found_by_number_and_by_path(tmp_path, version):
    omero = {"channels": [{"label": name, "color": "FFFFFF", "window": {}} for name in ("DAPI", "GFP")]}
    write_image(tmp_path / "a.zarr", version, "data/raw")
    metadata = tmp_path / "a.zarr/data/raw" / (".zattrs" if version == "0.4" else "zarr.json")
    document = json.loads(metadata.read_text())
    (document if version == "0.4" else document["attributes"]["ome"])["omero"] = omero
    metadata.write_text(json.dumps(document))
    for level, voxels in enumerate(PYRAMID):
        sources = [
            open_source(tmp_path / "a.zarr", "data/raw", level=level),
            open_source(tmp_path / f"a.zarr/data/raw/s{level}"),
            open_source(tmp_path / "a.zarr/data/raw", f"s{level}"),
        ]
        for source in sources:
            np.testing.assert_array_equal(source[:], voxels)
            found = source.metadata
            assert found.axes == ("c", "z", "y", "x")
            assert found.voxel_size == tuple(Decimal(text) * 2**level for text in ("40", "4", "4.2"))
            assert found.offset == (80, 0, 0)
            assert (found.units, found.channels) == ("nm", ("DAPI", "GFP"))
            assert found.convention == f"OME-Zarr {version}"
            np.testing.assert_array_equal(from_spec(source.to_spec())[:], voxels)
    np.testing.assert_array_equal(open_source(tmp_path / "a.zarr/data", "raw")[:], DATA)
    corner = open_source(tmp_path / "a.zarr", "data/raw", level=1, pixel_convention="corner")
    assert corner.metadata.offset == (100, 2, Decimal("2.1"))
    assert from_spec(corner.to_spec()).metadata.offset == corner.metadata.offset


@pytest.mark.parametrize("version", FORMATS)
def test_label_images_are_images(tmp_path, version):
    image = write_image(tmp_path / "a.zarr", version)
    labels = (DATA[0] > 500).astype(np.uint8)
    scale = {"z": 40.0, "y": 4.0, "x": 4.0}
    write_labels(labels, image, "nuclei", scaler=None, fmt=FORMATS[version][1], axes="zyx", scale=scale)
    source = open_source(tmp_path / "a.zarr", "labels/nuclei")
    np.testing.assert_array_equal(source[:], labels)
    assert source.metadata.voxel_size == (40, 4, 4)
    with pytest.raises(ValueError, match="nuclei"):
        open_source(tmp_path / "a.zarr", "labels")


WAYS = [("", {}), ("", {"level": 7}), ("raw", {"level": 3}), ("raw/s5", {})]


@pytest.mark.parametrize(("internal_path", "options"), WAYS)
@pytest.mark.parametrize("version", FORMATS)
def test_an_image_of_eight_levels_opens_with_three_reads(tmp_path, heard, version, internal_path, options):
    write_image(tmp_path / "a.zarr", version, internal_path.removesuffix("/s5"), pyramid=[DATA] * 8)
    before = disk_reads()
    heard.clear()
    source = open_source(tmp_path / "a.zarr", internal_path, **options)
    reads = [(event, str(arguments[0])) for event, arguments in heard if arguments and "a.zarr" in str(arguments[0])]
    assert source.metadata.convention == f"OME-Zarr {version}"
    assert 2 <= sum(event == "open" for event, _ in reads) <= 3, reads
    assert not [event for event, _ in reads if event in ("os.listdir", "os.scandir", "glob.glob")]
    assert disk_reads() == before, "tensorstore has read metadata too"


@pytest.mark.parametrize(("internal_path", "options"), WAYS)
@pytest.mark.parametrize("version", FORMATS)
def test_an_image_of_eight_levels_opens_with_three_requests(http_server, version, internal_path, options):
    write_image(http_server.folder / "a.zarr", version, internal_path.removesuffix("/s5"), pyramid=[DATA] * 8)
    source = open_source(f"{http_server.url}/a.zarr", internal_path, **options)
    assert source.metadata.convention == f"OME-Zarr {version}"
    assert 2 <= len(http_server.requested) <= 3, http_server.requested
    np.testing.assert_array_equal(source[1, 3:5], DATA[1, 3:5])


@pytest.mark.parametrize("version", FORMATS)
def test_a_path_to_a_level_finds_the_image_of_a_folder_without_extension(http_folder, version):
    folder, url = http_folder
    write_image(folder / "image", version, "scales", pyramid=PYRAMID[:2])
    group = zarr.open_group(folder / "image/scales")
    document = {"scales": dict(group.attrs)}
    described = json.loads(json.dumps(document["scales"]).replace('"s1"', '"scales/s1"').replace('"s0"', '"scales/s0"'))
    for place in (folder, url):
        for name in ("image/scales/s1", "image/scales/s1/"):
            assert open_source(f"{place}/{name}", format="zarr").metadata.voxel_size == (80, 8, Decimal("8.4"))
    group.attrs.clear()
    zarr.open_group(folder / "image", mode="a", zarr_format=FORMATS[version][0]).attrs.update(described)
    for place in (folder, url):
        source = open_source(f"{place}/image/scales/s1", format="zarr")
        assert source.metadata.convention == f"OME-Zarr {version}"
        assert open_source(f"{place}/image/scales", "s0", format="zarr").metadata.voxel_size == (40, 4, Decimal("4.2"))
    np.testing.assert_array_equal(source[:], PYRAMID[1])


@pytest.mark.parametrize("version", FORMATS)
def test_what_lies_above_a_path_need_not_be_readable(tmp_path, version):
    zarr.create_array(tmp_path / "array", data=DATA[0], zarr_format=FORMATS[version][0])
    (tmp_path / {"0.4": ".zattrs", "0.5": "zarr.json"}[version]).write_text("no JSON")
    source = open_source(tmp_path / "array")
    assert source.metadata.voxel_size is None
    np.testing.assert_array_equal(source[:], DATA[0])


@pytest.fixture(scope="module")
def _heard_by_python():
    events, listening = [], [True]
    sys.addaudithook(lambda event, arguments: events.append((event, arguments)) if listening else None)
    yield events
    listening.clear()  # a hook can't be removed
    events.clear()


@pytest.fixture
def heard(_heard_by_python):
    """Events of this process: what Python opens and lists."""
    return _heard_by_python


def disk_reads():
    """Return what tensorstore has read from disk and listed so far."""
    metrics = tensorstore.experimental_collect_matching_metrics("/tensorstore/kvstore/file/")
    return [metric for metric in metrics if metric["name"].endswith(("/read", "/batch_read", "/open_read", "/list"))]


@pytest.mark.parametrize("version", FORMATS)
def test_the_attributes_of_a_level_are_read_and_written_beside_the_image(tmp_path, version):
    image = write_image(tmp_path / "a.zarr", version)
    image["s1"].attrs.update({"stain": "uranyl", "voxel_size": [1, 1, 1]})
    source = open_source(tmp_path / "a.zarr", level=1, mode="r+")
    assert source.metadata.voxel_size == (80, 8, Decimal("8.4"))  # the image's metadata wins
    source.array.attrs["section"] = 7
    source[1, 2, 3, 4] = 999
    expected = {"stain": "uranyl", "voxel_size": [1, 1, 1], "section": 7}
    again = open_source(tmp_path / "a.zarr", level=1)
    assert (again.attrs, again[1, 2, 3, 4]) == (expected, 999)
    assert dict(zarr.open_array(tmp_path / "a.zarr/s1").attrs) == expected
    with pytest.raises(ValueError, match="read"):
        again.array.attrs["section"] = 8
    assert open_source(tmp_path / "a.zarr").metadata.voxel_size == (40, 4, Decimal("4.2"))


def test_a_level_can_lie_deeper(tmp_path):
    write_image(tmp_path / "a.zarr", "0.4", "raw")
    (tmp_path / "a.zarr/raw/s1").rename(tmp_path / "a.zarr/raw/moved")
    (tmp_path / "a.zarr/raw/s1").mkdir()
    (tmp_path / "a.zarr/raw/moved").rename(tmp_path / "a.zarr/raw/s1/image")
    metadata = tmp_path / "a.zarr/raw/.zattrs"
    metadata.write_text(metadata.read_text().replace('"s1"', '"s1/image"'))
    for source in (open_source(tmp_path / "a.zarr", "raw", level=1), open_source(tmp_path / "a.zarr", "raw/s1/image")):
        assert source.metadata.voxel_size == (80, 8, Decimal("8.4"))


@pytest.mark.parametrize("version", FORMATS)
def test_what_bioformats2raw_wrote_opens_where_it_is_one_image(tmp_path, version):
    root = zarr.open_group(tmp_path / "a.zarr", mode="w", zarr_format=FORMATS[version][0])
    root.attrs["bioformats2raw.layout"] = 3
    write_image(tmp_path / "a.zarr", version, "0")
    np.testing.assert_array_equal(open_source(tmp_path / "a.zarr", level=1)[:], PYRAMID[1])
    write_image(tmp_path / "a.zarr", version, "1")
    with pytest.raises(ValueError, match=r"several images.*: 0, 1"):
        open_source(tmp_path / "a.zarr")
    np.testing.assert_array_equal(open_source(tmp_path / "a.zarr", "1", level=1)[:], PYRAMID[1])
    root.create_group("OME").attrs["series"] = ["1"]
    np.testing.assert_array_equal(open_source(tmp_path / "a.zarr", level=2)[:], PYRAMID[2])
    root["OME"].attrs["series"] = ["0", "1"]
    with pytest.raises(ValueError, match=r"several images.*: 0, 1"):
        open_source(tmp_path / "a.zarr")


def test_the_errors_of_levels_say_what_there_is(tmp_path):
    write_image(tmp_path / "a.zarr", "0.5", "raw")
    for level in (4, -1):
        with pytest.raises(KeyError, match=f"raw has no level {level}; it has 4: s0, s1, s2, s3"):
            open_source(tmp_path / "a.zarr", "raw", level=level)
    with pytest.raises(ValueError, match="raw/s1 is one array"):
        open_source(tmp_path / "a.zarr", "raw/s1", level=1)
    with pytest.raises(ValueError, match="no image with levels; name one as internal_path: raw"):
        open_source(tmp_path / "a.zarr", level=1)
    with pytest.raises(ValueError, match=r"'middle' is none of"):
        open_source(tmp_path / "a.zarr", "raw", pixel_convention="middle")
    with pytest.raises(ValueError, match="no whole number"):
        open_source(tmp_path / "a.zarr", "raw", level="s1")
    with pytest.raises(KeyError, match="no image named 'gt'; it has"):
        open_source(tmp_path / "a.zarr", "raw", image="gt")
    (tmp_path / "a.zarr/raw/s2").rename(tmp_path / "a.zarr/raw/lost")
    with pytest.raises(DataError, match="names the level 's2', but no array is there"):
        open_source(tmp_path / "a.zarr", "raw", level=2)
    metadata = tmp_path / "a.zarr/raw/zarr.json"
    metadata.write_text(metadata.read_text().replace('"scale"', '"affine"'))
    with pytest.raises(DataError, match=r"a\.zarr/raw.*type 'affine'"):
        open_source(tmp_path / "a.zarr", "raw")
