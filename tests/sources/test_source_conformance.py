"""Every kind of source passes the suite that plug-ins run on theirs."""

import numpy as np
import pytest
import zarr
from stored_kinds import KINDS, VOXELS, write_hdf5, write_zarr

from dalsegno.sources import DVIDSource, as_source, open_source
from dalsegno.sources.file_format import known_formats
from dalsegno.testing.source_conformance import SourceConformance
from dvid_server import UUID, DvidServer


class TestFiles(SourceConformance):
    @pytest.fixture(scope="class", params=KINDS)
    @classmethod
    def stored(cls, request, tmp_path_factory):
        source, voxels = KINDS[request.param][1](tmp_path_factory.mktemp("stored"))
        with source:
            yield source, voxels


class TestHdf5ForWriting(SourceConformance):
    exclusive = True

    @pytest.fixture
    def stored(self, tmp_path):
        with open_source(write_hdf5(tmp_path), "volumes/raw", mode="r+") as source:
            yield source, VOXELS


class TestRemoteFiles(SourceConformance):
    @pytest.fixture
    def stored(self, http_folder):
        folder, url = http_folder
        write_zarr(folder)
        return open_source(f"{url}/a.zarr", "raw"), VOXELS


class TestServedByDvid(SourceConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def stored(cls):
        with DvidServer() as server:
            server.add("raw", VOXELS, first=(2, 3, 4))
            yield DVIDSource(server.url, UUID, "raw"), VOXELS


class TestBuckets(SourceConformance):
    @pytest.fixture
    def stored(self, s3_bucket):
        url, options = s3_bucket
        voxels = np.arange(12, dtype=np.uint8).reshape(3, 4)
        zarr.create_array(f"{url}/a.zarr", name="raw", data=voxels, storage_options=options)
        return open_source(f"{url}/a.zarr", "raw", mode="r+", storage_options=options), voxels


class TestMemory(SourceConformance):
    reopenable = False

    @pytest.fixture(scope="class", params=["written", "only read"])
    @classmethod
    def stored(cls, request):
        voxels = VOXELS.copy()
        voxels.flags.writeable = request.param == "written"
        return as_source(voxels), VOXELS


def test_no_format_is_left_out():
    assert {known.name for known in known_formats()} <= {name for name, _ in KINDS.values()}
