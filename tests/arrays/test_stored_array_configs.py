"""What the configs of stored arrays refuse before anything is opened."""

import json
import math

import pytest
from upath import UPath

from dalsegno.arrays.array import ArrayConfig
from dalsegno.arrays.dvid_array import DVIDArrayConfig
from dalsegno.arrays.file_array import FileArrayConfig
from dalsegno.arrays.intensities_array import IntensitiesArrayConfig
from dalsegno.arrays.threshold_array import ThresholdArrayConfig
from dalsegno.arrays.zarr_array import ZarrArrayConfig
from dalsegno.errors import ConfigError
from dalsegno.store.converter import structure, unstructure

STORED = {
    FileArrayConfig: {"file_name": "s3://bucket/a.h5", "dataset": "raw"},
    ZarrArrayConfig: {"file_name": "s3://bucket/a.zarr", "dataset": "raw"},
    DVIDArrayConfig: {"source": ("http://localhost:8000", "a7", "grayscale")},
}
STORED_BY_URL = [FileArrayConfig, ZarrArrayConfig]


@pytest.mark.parametrize("kind", STORED)
@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_numbers_are_finite(kind, number):
    with pytest.raises(ConfigError, match="offset: must be finite"):
        kind(**STORED[kind], offset=(number, 0, 0))
    with pytest.raises(ConfigError, match="voxel_size: must be above 0 and finite"):
        kind(**STORED[kind], voxel_size=(4, 4, number))


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_intensities_are_finite(number):
    stored = ZarrArrayConfig(**STORED[ZarrArrayConfig])
    with pytest.raises(ConfigError, match="min: must be finite"):
        IntensitiesArrayConfig(source_array_config=stored, min=number, max=1.0)
    with pytest.raises(ConfigError, match="threshold: must be finite"):
        ThresholdArrayConfig(source_array_config=stored, threshold=number)


@pytest.mark.parametrize("kind", STORED_BY_URL)
def test_options_hold_no_credentials(kind):
    with pytest.raises(ConfigError, match=r"storage_options: .*AWS_SECRET_ACCESS_KEY") as error:
        kind(**STORED[kind], storage_options={"key": "AKIA123", "secret": "hunter2"})
    assert "hunter2" not in str(error.value)
    plain = {**unstructure(kind(**STORED[kind])), "storage_options": {"token": "hunter2"}}
    with pytest.raises(ConfigError, match="storage_options"):
        structure(plain, ArrayConfig)


@pytest.mark.parametrize("kind", STORED_BY_URL)
@pytest.mark.parametrize(
    "place", ["https://me:hunter2@host/a.zarr", "s3://me:hunter2@bucket/a.zarr", "https://host/a.zarr?token=hunter2"]
)
def test_urls_hold_no_credentials(kind, place):
    with pytest.raises(ConfigError, match=r"file_name: .*would be stored") as error:
        kind(**STORED[kind] | {"file_name": place})
    assert "hunter2" not in str(error.value)


def test_paths_bring_no_credentials():
    path = UPath("memory://a.zarr", token="hunter2")
    with pytest.raises(ConfigError, match=r"file_name: .*token"):
        FileArrayConfig(file_name=path)


def test_addresses_of_servers_hold_no_credentials():
    with pytest.raises(ConfigError, match=r"source: .*would be stored"):
        DVIDArrayConfig(source=("http://me:hunter2@localhost:8000", "a7", "grayscale"))


@pytest.mark.parametrize("kind", STORED_BY_URL)
def test_options_without_credentials_are_kept(kind):
    options = {"anon": True, "endpoint_url": "http://localhost:9000", "profile": "lab"}
    config = kind(**STORED[kind], storage_options=options)
    assert structure(json.loads(json.dumps(unstructure(config))), ArrayConfig) == config


def test_a_file_array_is_read_only_whatever_the_options():
    with pytest.raises(ConfigError, match="read only here; write to a ZarrArray"):
        FileArrayConfig(file_name="a.h5", options={"mode": "r+"})
    with pytest.raises(ConfigError, match="'level' is no option of a format; write it as a field"):
        FileArrayConfig(file_name="a.h5", options={"level": 1})
