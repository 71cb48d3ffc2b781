"""Every array passes the suite that plug-ins run on theirs."""

import numpy as np
import pytest
import tifffile
import zarr
from funlib.geometry import Coordinate, Roi

from dalsegno.arrays.array import ArrayConfig
from dalsegno.arrays.array_view import ArrayView
from dalsegno.arrays.binarize_array import BinarizeArrayConfig
from dalsegno.arrays.concat_array import ConcatArrayConfig
from dalsegno.arrays.crop_array import CropArrayConfig
from dalsegno.arrays.dummy_array import DummyArrayConfig
from dalsegno.arrays.dvid_array import DVIDArrayConfig
from dalsegno.arrays.file_array import FileArrayConfig
from dalsegno.arrays.intensities_array import IntensitiesArrayConfig
from dalsegno.arrays.logical_or_array import LogicalOrArrayConfig
from dalsegno.arrays.merge_instances_array import MergeInstancesArrayConfig
from dalsegno.arrays.missing_annotations_mask import MissingAnnotationsMaskConfig
from dalsegno.arrays.numpy_array import NumpyArray, NumpyArrayConfig
from dalsegno.arrays.ones_array import OnesArrayConfig
from dalsegno.arrays.resampled_array import ResampledArrayConfig
from dalsegno.arrays.sum_array import SumArrayConfig
from dalsegno.arrays.threshold_array import ThresholdArrayConfig
from dalsegno.arrays.zarr_array import ZarrArrayConfig
from dalsegno.components import component_names
from dalsegno.config import config, field
from dalsegno.sources import as_source
from dalsegno.testing.array_conformance import ArrayConformance
from dalsegno.testing.source_conformance import SourceConformance
from dvid_server import UUID, DvidServer

SHAPE, VOXEL_SIZE, OFFSET = (6, 8, 10), Coordinate(40, 4, 8), Coordinate(80, -6, 12)
RAW = np.random.default_rng(0).integers(0, 2**16, SHAPE, dtype=np.uint16)
LABELS = np.random.default_rng(1).integers(0, 5, SHAPE).astype(np.uint64)
MASKS = np.random.default_rng(2).integers(0, 2, (3, *SHAPE), dtype=np.uint8)
PLACE = {"offset": list(OFFSET), "voxel_size": list(VOXEL_SIZE), "units": ["nm"] * 3}
ARRAYS = {}


def array(make):
    """Add a function that gives a config and the array in memory that it should look like."""
    ARRAYS[make.__name__.replace("_", "")] = make


def placed(voxels, voxel_size=VOXEL_SIZE, offset=OFFSET, units="nm"):
    channels = ["c"] * (voxels.ndim - len(voxel_size))
    roi = Roi(offset, Coordinate(voxels.shape[len(channels) :]) * voxel_size)
    return NumpyArray.from_np_array(voxels, roi, voxel_size, [*channels, *"zyx"[-len(voxel_size) :]], units=units)


def stored(folder, voxels, **more):
    """Write voxels as zarr and return the config."""
    axes = ["c"] * (voxels.ndim - 3) + ["z", "y", "x"]
    attributes = {**PLACE, "axis_names": axes, **more}
    name = f"array{len(list(folder.glob('*.zarr')))}"
    zarr.create_array(folder / f"{name}.zarr", data=voxels, chunks=voxels.shape, attributes=attributes)
    return ZarrArrayConfig(file_name=folder / f"{name}.zarr", dataset="")


@array
def zarr_array(folder):
    return stored(folder, RAW), placed(RAW)


@array
def zarr_array_with_channels(folder):
    return stored(folder, MASKS), placed(MASKS)


@array
def zarr_array_with_channels_last(folder):
    path = folder / "last.zarr"
    attributes = {**PLACE, "axis_names": ["z", "y", "x", "c"]}
    zarr.create_array(path, data=np.moveaxis(MASKS, 0, -1), chunks=(3, 4, 5, 3), attributes=attributes)
    return ZarrArrayConfig(file_name=path, dataset=""), placed(MASKS)


@array
def zarr_array_to_read(folder):
    return ZarrArrayConfig(file_name=stored(folder, RAW).file_name, dataset="", mode="r"), placed(RAW)


@array
def file_array(folder):
    tifffile.imwrite(folder / "a.tif", RAW)
    config = FileArrayConfig(
        file_name=folder / "a.tif", voxel_size=tuple(VOXEL_SIZE), offset=tuple(OFFSET), units="nm", axes=("z", "y", "x")
    )
    return config, placed(RAW)


@array
def file_array_of_a_section(folder):
    tifffile.imwrite(folder / "a.tif", RAW[0])
    config = FileArrayConfig(file_name=folder / "a.tif", voxel_size=(4, 8), units="um")
    return config, placed(RAW[0], Coordinate(4, 8), Coordinate(0, 0), "um")


@array
def numpy_array(folder):
    return NumpyArrayConfig(source_array_config=stored(folder, MASKS)), placed(MASKS)


@array
def crop_array(folder):
    roi = Roi(OFFSET + VOXEL_SIZE, VOXEL_SIZE * Coordinate(4, 5, 6))
    config = CropArrayConfig(source_array_config=stored(folder, RAW), roi=roi)
    return config, placed(RAW[1:5, 1:6, 1:7], offset=roi.begin)


@array
def intensities_array(folder):
    config = IntensitiesArrayConfig(source_array_config=stored(folder, RAW), min=0, max=1000)
    return config, placed(RAW.astype(np.float32) / np.float32(1000))


@array
def threshold_array(folder):
    config = ThresholdArrayConfig(source_array_config=stored(folder, RAW), threshold=30000)
    return config, placed((RAW >= 30000).astype(np.uint8))


@array
def binarize_array(folder):
    groupings = (("one or two", (1, 2)), ("all", ()))
    config = BinarizeArrayConfig(source_array_config=stored(folder, LABELS), groupings=groupings)
    return config, placed(np.stack([np.isin(LABELS, (1, 2)), LABELS > 0]).astype(np.uint8))


@array
def resampled_array(folder):
    config = ResampledArrayConfig(
        source_array_config=stored(folder, LABELS),
        upsample=Coordinate(2, 1, 1),
        downsample=Coordinate(1, 1, 2),
        interp_order=False,
    )
    # the upper one of two voxels that meet at the centre of a larger one
    return config, placed(np.repeat(LABELS, 2, axis=0)[:, :, 1::2], Coordinate(20, 4, 16))


@array
def resampled_array_of_intensities(folder):
    config = ResampledArrayConfig(
        source_array_config=stored(folder, MASKS.astype(np.float32)),
        upsample=Coordinate(1, 1, 1),
        downsample=Coordinate(1, 2, 2),
        interp_order=True,
    )
    means = MASKS.astype(np.float32).reshape(3, 6, 4, 2, 5, 2).mean((3, 5))
    return config, placed(means, Coordinate(40, 8, 16))


@array
def concat_array(folder):
    config = ConcatArrayConfig(
        channels=("a", "none", "b"),
        source_array_configs={"a": stored(folder, MASKS[0]), "b": stored(folder, MASKS[1])},
    )
    return config, placed(np.stack([MASKS[0], np.zeros_like(MASKS[0]), MASKS[1]]))


@array
def sum_array(folder):
    config = SumArrayConfig(source_array_configs=(stored(folder, RAW), stored(folder, RAW)))
    return config, placed(RAW.astype(np.uint64) * 2)


@array
def logical_or_array(folder):
    return LogicalOrArrayConfig(source_array_config=stored(folder, MASKS)), placed(MASKS.max(axis=0))


@array
def merge_instances_array(folder):
    config = MergeInstancesArrayConfig(source_array_configs=(stored(folder, LABELS), stored(folder, MASKS[0])))
    second = np.where(MASKS[0] > 0, MASKS[0] * 2 + 1, 0)
    return config, placed(np.where(LABELS > 0, LABELS * 2, second).astype(np.uint64))


@array
def ones_array(folder):
    return OnesArrayConfig(source_array_config=stored(folder, MASKS)), placed(np.ones(MASKS.shape, bool))


@array
def missing_annotations_mask(folder):
    states = [(1, True, True), (2, True, False)]
    labels = [
        {"value": value, "name": str(value), "annotationState": {"present": present, "annotated": annotated}}
        for value, present, annotated in states
    ]
    config = MissingAnnotationsMaskConfig(
        source_array_config=stored(folder, LABELS, labels=labels), groupings=(("one", (1,)), ("two", (2,)))
    )
    return config, placed(np.stack([LABELS > 0, np.zeros(SHAPE)]).astype(np.uint8))


def dummy_array():
    voxels = np.zeros((100, 50, 50), np.float32)
    return DummyArrayConfig(), placed(voxels, Coordinate(1, 1, 1), Coordinate(0, 0, 0), "voxel")


class TestArrays(ArrayConformance):
    @pytest.fixture(scope="class", params=ARRAYS)
    @classmethod
    def described(cls, request, tmp_path_factory):
        return ARRAYS[request.param](tmp_path_factory.mktemp("arrays"))


class TestDummyArray(ArrayConformance):
    valid = False

    @pytest.fixture(scope="class")
    @classmethod
    def described(cls):
        return dummy_array()


class TestDVIDArray(ArrayConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def described(cls):
        with DvidServer() as server:
            server.add("labels", LABELS, first=(2, -1, 3), size=VOXEL_SIZE, type_name="labelmap")
            config = DVIDArrayConfig(source=(server.url, UUID, "labels"))
            yield config, placed(LABELS, offset=VOXEL_SIZE * Coordinate(2, -1, 3))


@config
class WholeArrayConfig(ArrayConfig):
    source_array_config: ArrayConfig = field(help="An array.")
    early: bool = field(help="Whether it reads when it is opened.")


class WholeArray(ArrayView):
    """A view that reads all of its source, when it is opened or with each region."""

    def __init__(self, array_config):
        super().__init__(array_config.source_array_config.open())
        self.voxels = self.source_array.data if array_config.early else None

    def _read(self, roi):
        whole = self.source_array.data if self.voxels is None else self.voxels
        return whole[((roi - self.roi.begin) / self.voxel_size).to_slices()]


WholeArrayConfig.array_type = WholeArray


@pytest.mark.parametrize("early", [True, False])
def test_views_that_read_everything_do_not_pass(tmp_path, monkeypatch, early):
    greedy = WholeArrayConfig(source_array_config=stored(tmp_path, RAW), early=early)
    view = CropArrayConfig(source_array_config=greedy, roi=Roi(OFFSET, VOXEL_SIZE * 2))
    with pytest.raises(AssertionError, match="480 of 480 voxels were read"):
        ArrayConformance().test_opening_and_a_voxel_read_no_more_than_they_need((view, placed(RAW)), monkeypatch)


class TestVoxelsOfViews(SourceConformance):
    reopenable = False

    @pytest.fixture(scope="class", params=["crop", "channels in memory", "resampled"])
    @classmethod
    def stored(cls, request, tmp_path_factory):
        folder = tmp_path_factory.mktemp("views")
        if request.param == "crop":
            config, expected = ARRAYS["croparray"](folder)
        elif request.param == "resampled":
            config, expected = ARRAYS["resampledarray"](folder)
        else:
            last = np.ascontiguousarray(np.moveaxis(MASKS, 0, -1))
            roi = Roi((0, 0, 0), SHAPE)
            array = NumpyArray.from_np_array(last, roi, Coordinate(1, 1, 1), ["z", "y", "x", "c"])
            return as_source(array), MASKS
        return as_source(config.open()), expected.data


ELSEWHERE = {"dummyarray", "dvidarray"}


def test_no_array_is_left_out():
    assert {name.lower() for name in component_names("array")} - ELSEWHERE <= set(ARRAYS)
