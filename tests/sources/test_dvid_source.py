import json
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dalsegno.errors import DataError
from dalsegno.sources import DVIDSource, Geometry, SourceSpec, dvid_source, from_spec
from dvid_server import UUID, DvidServer

RNG = np.random.default_rng(0)
GRAY = RNG.integers(0, 255, (40, 33, 70)).astype(np.uint8)
LABELS = RNG.integers(0, 2**63, (40, 33, 70)).astype(np.uint64)
FIRST = (64, -32, 96)


@pytest.fixture(scope="module")
def shared_server():
    with DvidServer() as server:
        server.add("grayscale", GRAY, first=FIRST)
        server.add("segmentation", LABELS, type_name="labelmap")
        yield server


@pytest.fixture
def server(shared_server):
    shared_server.faults.clear()
    shared_server.asked.clear()
    return shared_server


@pytest.mark.parametrize(("name", "volume"), [("grayscale", GRAY), ("segmentation", LABELS)])
def test_reads_images_and_labels(server, name, volume):
    source = DVIDSource(server.url, UUID, name)
    assert (source.shape, source.dtype, source.chunks, source.shards) == (volume.shape, volume.dtype, (32,) * 3, None)
    np.testing.assert_array_equal(source[:], volume)
    np.testing.assert_array_equal(source[3:9, -1, 60:], volume[3:9, -1, 60:])
    assert source[5, 6, 7] == volume[5, 6, 7]
    assert not source.writable
    with pytest.raises(TypeError, match="read-only"):
        source[0] = 1


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_large_boxes_are_asked_for_in_parts(server, monkeypatch, data):
    source = DVIDSource(server.url, UUID, "grayscale")
    limit = data.draw(st.sampled_from([1, 500, 5000, 50000]))
    bounds = [sorted(data.draw(st.tuples(st.integers(0, n), st.integers(0, n)))) for n in (12, 12, 70)]
    box = tuple(slice(*pair) for pair in bounds)
    if limit == 1:
        box = tuple(slice(entry.start, min(entry.stop, entry.start + 3)) for entry in box)
    server.asked.clear()
    monkeypatch.setattr(dvid_source, "_REQUEST_BYTES", limit)
    np.testing.assert_array_equal(source[box], GRAY[box])
    sizes = [np.prod(list(map(int, path.split("/")[-2].split("_")))) for path in server.asked]
    assert sum(sizes) == GRAY[box].size
    assert max(sizes, default=0) <= limit


@pytest.mark.parametrize("first", [FIRST, (10, -5, 40)])
def test_parts_end_with_blocks(server, monkeypatch, first):
    server.add("placed", GRAY, first=first)
    source = DVIDSource(server.url, UUID, "placed")
    server.asked.clear()
    monkeypatch.setattr(dvid_source, "_REQUEST_BYTES", 32**3)
    np.testing.assert_array_equal(source[:], GRAY)
    corners = [map(int, reversed(path.split("/")[-1].split("_"))) for path in server.asked]
    assert {at % 32 for corner in corners for at, start in zip(corner, first, strict=True) if at != start} == {0}


def test_the_server_tells_the_geometry(server):
    assert DVIDSource(server.url, UUID, "grayscale").metadata == Geometry(
        ("z", "y", "x"),
        (Decimal("8.0"),) * 3,
        tuple(Decimal("8.0") * start for start in FIRST),
        "nm",
        convention="DVID",
    )
    info = server.add("thick", GRAY, first=(1, 2, 3), size=(0.04, 3.1, 2.5))
    info["Extended"]["VoxelUnits"] = ["nanometers", "nanometers", "micrometers"]
    thick = DVIDSource(server.url, UUID, "thick").metadata
    assert (thick.voxel_size, thick.units) == ((Decimal(40), Decimal("3.1"), Decimal("2.5")), "nm")
    assert thick.offset == (Decimal(40), Decimal("6.2"), Decimal("7.5"))
    info["Extended"]["VoxelSize"] = None
    assert DVIDSource(server.url, UUID, "thick").metadata == Geometry(axes=("z", "y", "x"))


def test_extents_may_stand_beside_the_properties(server):
    info = server.add("beside", GRAY)
    extended = info["Extended"]
    info["Extents"] = {key: extended[key] for key in ("MinPoint", "MaxPoint")}
    source = DVIDSource(server.url, UUID, "beside")
    extended.update(MaxPoint=None)
    assert DVIDSource(server.url, UUID, "beside").shape == source.shape == GRAY.shape
    info["Extents"] = {"MinPoint": None, "MaxPoint": None}
    with pytest.raises(DataError, match="holds no voxels yet"):
        DVIDSource(server.url, UUID, "beside")


def test_addresses_need_no_scheme(server):
    for address in (server.host, f"{server.url}/"):
        source = DVIDSource(address, UUID, "grayscale")
        assert source.to_spec().path == server.url
    for wrong in ("file:///etc", "ftp://host", "http://", ""):
        with pytest.raises(ValueError, match="no address"):
            DVIDSource(wrong, UUID, "grayscale")
    with pytest.raises(ValueError, match="credentials") as caught:
        DVIDSource("http://me:hidden@host", UUID, "grayscale")
    assert "hidden" not in str(caught.value)


def test_the_spec_reopens_in_a_fresh_process(server):
    source = DVIDSource(server.host, UUID, "segmentation", timeout=20)
    spec = source.to_spec()
    assert spec == SourceSpec("dvid", server.url, "segmentation", {"uuid": UUID, "timeout": 20})
    assert DVIDSource(server.host, UUID, "segmentation").to_spec().params == {"uuid": UUID}
    code = (
        "import json, sys; from dalsegno.sources import from_spec, SourceSpec; "
        "s = from_spec(SourceSpec(**json.loads(sys.argv[1]))); print(s[1, 2].tolist(), s.writable)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps(spec.to_dict())], capture_output=True, text=True, cwd="/", check=False
    )
    assert done.stdout.strip() == f"{LABELS[1, 2].tolist()} False", done.stderr
    for copy in (pickle.loads(pickle.dumps(source)), from_spec(spec)):
        assert copy.to_spec() == spec


def test_threads_share_a_source(server):
    source = DVIDSource(server.url, UUID, "grayscale")
    with ThreadPoolExecutor(8) as threads:
        for z, plane in enumerate(threads.map(source.__getitem__, range(40))):
            np.testing.assert_array_equal(plane, GRAY[z])


@pytest.mark.parametrize("fault", [(503, "busy"), (502, ""), "reset", "cut"])
def test_a_server_that_fails_once_is_asked_again(server, fault):
    source = DVIDSource(server.url, UUID, "grayscale")
    server.faults[:] = [fault]
    np.testing.assert_array_equal(source[:3], GRAY[:3])
    server.faults[:] = [fault] * 4
    with pytest.raises(DataError, match="try again later"):
        source[:3]
    assert (server.faults, len(server.asked)) == ([], 1 + 2 + 4)


def test_truncated_voxels_are_an_error(server):
    source = DVIDSource(server.url, UUID, "segmentation")
    server.faults[:] = ["short"]
    with pytest.raises(DataError, match=r"sent 18479 bytes, where 18480 make up"):
        source[0]


def test_the_server_s_own_words_are_told(server):
    with pytest.raises(DataError, match=r"400 .*could not find UUID with partial match to ffff; check the uuid"):
        DVIDSource(server.url, "ffff", "grayscale")
    with pytest.raises(KeyError, match=r"404 .*'gray' not found; check"):
        DVIDSource(server.url, UUID, "gray")
    source = DVIDSource(server.url, UUID, "grayscale")
    server.faults[:] = [(500, "the disk is on fire")]
    with pytest.raises(DataError, match=r"500 .*: the disk is on fire$"):
        source[0]
    assert len(server.asked) == 4


def test_a_silent_server(server):
    source = DVIDSource(server.url, UUID, "grayscale", timeout=0.2)
    server.faults[:] = [0.1]
    np.testing.assert_array_equal(source[0], GRAY[0])
    server.faults[:] = [0.5]
    with pytest.raises(DataError, match=r"silent for 0\.2 s"):
        source[0]


def test_no_server():
    with DvidServer() as gone:
        pass
    with pytest.raises(DataError, match="can't be reached"):
        DVIDSource(gone.url, UUID, "grayscale")


@pytest.mark.parametrize("body", ["<html>Sign in</html>", "[]", "{}", '{"Base": {}, "Extended": 3}'])
def test_other_servers(server, body):
    server.faults[:] = [(200, body)]
    with pytest.raises(DataError, match="DVID server"):
        DVIDSource(server.url, UUID, "grayscale")


@pytest.mark.parametrize(
    ("type_name", "values"),
    [("annotation", None), ("rgba8blk", [{"DataType": "uint8"}] * 4), ("odd", [{"DataType": "O"}])],
)
def test_data_that_is_no_voxels(server, type_name, values):
    info = server.add("other", GRAY, type_name=type_name)
    info["Extended"]["Values"] = values
    with pytest.raises(DataError, match=f"of type {type_name} .*uint8blk"):
        DVIDSource(server.url, UUID, "other")
