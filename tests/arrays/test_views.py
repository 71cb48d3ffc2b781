import numpy as np
import pytest
from funlib.geometry import Coordinate, Roi

from dalsegno.arrays.binarize_array import BinarizeArrayConfig
from dalsegno.arrays.concat_array import ConcatArrayConfig
from dalsegno.arrays.crop_array import CropArrayConfig
from dalsegno.arrays.intensities_array import IntensitiesArrayConfig
from dalsegno.arrays.logical_or_array import LogicalOrArrayConfig
from dalsegno.arrays.merge_instances_array import MergeInstancesArrayConfig
from dalsegno.arrays.missing_annotations_mask import MissingAnnotationsMaskConfig
from dalsegno.arrays.numpy_array import NumpyArrayConfig
from dalsegno.arrays.resampled_array import ResampledArrayConfig
from dalsegno.arrays.sum_array import SumArrayConfig
from dalsegno.arrays.threshold_array import ThresholdArrayConfig
from dalsegno.errors import ConfigError, DataError

DATA = np.random.default_rng(0).integers(0, 12, (6, 7, 9)).astype(np.uint8)


class TestCrop:
    def test_shows_and_writes_a_part(self, stored):
        source = stored(DATA)
        crop = CropArrayConfig(source_array_config=source, roi=Roi((88, 4, 8), (16, 8, 12))).open()
        assert crop.roi == Roi((88, 4, 8), (16, 8, 12))
        np.testing.assert_array_equal(crop.data, DATA[1:3, 1:3, 2:5])
        with pytest.raises(DataError, match="not inside"):
            crop[Roi((80, 4, 8), (16, 8, 12))]
        crop[Roi((88, 4, 8), (8, 4, 4))] = 99
        assert source.open().data[1, 1, 2] == 99
        assert (source.open().data == 99).sum() == 1

    @pytest.mark.parametrize(
        ("roi", "message"),
        [
            (Roi((0, 0, 0), (400, 8, 8)), "not inside"),
            (Roi((88, 2, 0), (8, 8, 8)), "not aligned"),
            (Roi((88, 0, 0), (0, 8, 8)), "empty"),
        ],
    )
    def test_a_part_that_is_not_there_is_an_error(self, stored, roi, message):
        with pytest.raises(DataError, match=message):
            CropArrayConfig(source_array_config=stored(DATA), roi=roi).open()


def test_a_view_tells_where_the_geometry_of_its_source_comes_from(stored):
    view = ThresholdArrayConfig(
        source_array_config=IntensitiesArrayConfig(source_array_config=stored(DATA), min=0.0, max=1.0), threshold=1.0
    )
    assert set(view.open().origins.values()) == {"funlib attributes"}


class TestIntensities:
    @pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.uint64])
    def test_scales(self, stored, dtype):
        source = stored(DATA.astype(dtype), channels=["a"])
        array = IntensitiesArrayConfig(source_array_config=source, min=2.0, max=10.0).open()
        assert array.data.dtype == array.dtype == np.float32
        np.testing.assert_allclose(array.data, (DATA.astype(float) - 2) / 8, rtol=1e-6)
        assert (array.voxel_size, array.units, array.axes) == (Coordinate(8, 4, 4), "nm", ["z", "y", "x"])

    def test_wide_integers_keep_their_digits(self, stored):
        large = (DATA.astype(np.uint64) + np.uint64(2**40)).astype(np.uint64)
        array = IntensitiesArrayConfig(source_array_config=stored(large), min=2.0**40, max=2.0**40 + 11).open()
        np.testing.assert_allclose(array.data, DATA / 11, rtol=1e-6)

    def test_an_empty_range_is_a_problem(self, stored):
        with pytest.raises(ConfigError, match="divide by 0"):
            IntensitiesArrayConfig(source_array_config=stored(DATA), min=1.0, max=1.0)


def test_threshold_includes_its_value(stored):
    array = ThresholdArrayConfig(source_array_config=stored(DATA), threshold=5.0).open()
    assert array.data.dtype == array.dtype == np.uint8
    np.testing.assert_array_equal(array.data, DATA >= 5)
    with pytest.raises(DataError, match="read-only"):
        array[array.roi] = 1


def test_attributes_go_with_the_voxels_that_they_speak_of(stored):
    labels = stored(DATA, note="s1")
    factors = {"upsample": (1, 1, 1), "downsample": (1, 2, 2), "interp_order": False}
    same = [
        CropArrayConfig(source_array_config=labels, roi=Roi((88, 4, 8), (16, 8, 12))),
        ResampledArrayConfig(source_array_config=labels, **factors),
        NumpyArrayConfig(source_array_config=labels),
    ]
    assert [config.open().attrs.get("note") for config in same] == ["s1"] * 3
    others = [
        BinarizeArrayConfig(source_array_config=labels, groupings=[("a", [1])]),
        MissingAnnotationsMaskConfig(source_array_config=labels, groupings=[("a", [1])]),
        ThresholdArrayConfig(source_array_config=labels, threshold=2),
        IntensitiesArrayConfig(source_array_config=labels, min=0, max=4),
        MergeInstancesArrayConfig(source_array_configs=[labels, labels]),
        SumArrayConfig(source_array_configs=[labels, labels]),
        ConcatArrayConfig(channels=["a"], source_array_configs={"a": labels}),
        LogicalOrArrayConfig(source_array_config=stored(DATA[None], note="s1")),
    ]
    assert [config.open().attrs for config in others] == [{}] * len(others)


def test_annotations_of_one_array_say_nothing_of_merged_ids(stored):
    # id 2 of the source has become id 4
    missing = [{"value": 2, "annotationState": {"present": True, "annotated": False}}]
    merged = MergeInstancesArrayConfig(source_array_configs=[stored(DATA, labels=missing), stored(DATA)])
    mask = MissingAnnotationsMaskConfig(source_array_config=merged, groupings=[("a", [2])]).open()
    np.testing.assert_array_equal(mask.data[0], DATA > 0)


class TestBinarize:
    @pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.uint64])
    def test_groups_labels(self, stored, dtype):
        groupings = [("mito", [3, 4, 5]), ("all", []), ("none", [300, -1]), ("background too", [0, 4])]
        array = BinarizeArrayConfig(source_array_config=stored(DATA.astype(dtype)), groupings=groupings).open()
        assert (array.axes, array.num_channels) == (["c", "z", "y", "x"], 4)
        assert array.channels == ["mito", "all", "none", "background too"]
        assert array.data.dtype == array.dtype == np.uint8
        wanted = [np.isin(DATA, [3, 4, 5]), DATA != 0, np.zeros_like(DATA), DATA == 4]
        np.testing.assert_array_equal(array.data, np.stack(wanted))
        np.testing.assert_array_equal(array[Roi((88, 0, 0), (8, 8, 8))], np.stack(wanted)[:, 1:2, :2, :2])

    def test_another_background(self, stored):
        config = BinarizeArrayConfig(source_array_config=stored(DATA), groupings=[("all", [])], background=3)
        np.testing.assert_array_equal(config.open().data[0], DATA != 3)

    def test_a_class_of_nothing_but_the_background_is_a_problem(self, stored):
        with pytest.raises(ConfigError, match=r"groupings\[1\]: the class 'bg' has only the background 0"):
            BinarizeArrayConfig(source_array_config=stored(DATA), groupings=[("a", [1]), ("bg", [0])])
        config = BinarizeArrayConfig(source_array_config=stored(DATA), groupings=[("bg", [0])], background=-1)
        np.testing.assert_array_equal(config.open().data[0], DATA == 0)

    def test_large_ids_are_exact(self, stored):
        labels = DATA.astype(np.uint64) + np.uint64(2**60)
        config = BinarizeArrayConfig(source_array_config=stored(labels), groupings=[("one", [2**60 + 5])])
        np.testing.assert_array_equal(config.open().data[0], DATA == 5)

    def test_a_single_channel_is_taken_and_bool_is_a_label(self, stored):
        config = BinarizeArrayConfig(source_array_config=stored(DATA[None] > 5), groupings=[("one", [1])])
        np.testing.assert_array_equal(config.open().data[0], DATA > 5)

    def test_scaled_labels_are_compared_exactly(self, stored):
        scaled = IntensitiesArrayConfig(source_array_config=stored(DATA), min=0.0, max=4.0)
        config = BinarizeArrayConfig(source_array_config=scaled, groupings=[("4", [1]), ("4, 8", [1, 2]), ("all", [])])
        np.testing.assert_array_equal(config.open().data, np.stack([DATA == 4, np.isin(DATA, [4, 8]), DATA != 0]))
        with pytest.raises(DataError, match="can't tell the id 16777217"):
            BinarizeArrayConfig(source_array_config=scaled, groupings=[("large", [2**24 + 1])]).open()

    def test_intensities_cut_by_a_threshold_are_labels(self, stored):
        cut = ThresholdArrayConfig(source_array_config=stored(DATA.astype(np.float32)), threshold=5.0)
        twice = ThresholdArrayConfig(source_array_config=cut, threshold=1.0)
        for source in (cut, twice):
            binary = BinarizeArrayConfig(source_array_config=source, groupings=[("one", [1])]).open()
            np.testing.assert_array_equal(binary.data[0], DATA >= 5)

    def test_a_background_beyond_the_dtype_is_nowhere(self, stored):
        config = BinarizeArrayConfig(source_array_config=stored(DATA), groupings=[("all", [])], background=-1)
        assert config.open().data.all()

    @pytest.mark.parametrize("count", [2, 39, 60])
    @pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint64])
    def test_many_ids_are_grouped_like_few(self, stored, count, dtype):
        labels = np.random.default_rng(count).integers(0, 100, (6, 7, 9)).astype(dtype)
        ids = list(range(1, 100))[::-1][:count]
        array = BinarizeArrayConfig(source_array_config=stored(labels), groupings=[("some", ids)]).open()
        np.testing.assert_array_equal(array.data[0], labels > 99 - count)

    def test_what_is_no_label_is_an_error(self, stored):
        scaled = IntensitiesArrayConfig(source_array_config=stored(DATA.astype(float)), min=0.0, max=4.0)
        with pytest.raises(DataError, match="labels are integers"):
            BinarizeArrayConfig(source_array_config=scaled, groupings=[("a", [1])]).open()
        with pytest.raises(DataError, match="ThresholdArray"):
            BinarizeArrayConfig(source_array_config=stored(DATA.astype(float)), groupings=[("a", [1])]).open()
        with pytest.raises(DataError, match="2 channels"):
            BinarizeArrayConfig(source_array_config=stored(np.stack([DATA, DATA])), groupings=[("a", [1])]).open()
        with pytest.raises(ConfigError, match="own name"):
            BinarizeArrayConfig(source_array_config=stored(DATA), groupings=[("a", [1]), ("a", [2])])


class TestConcat:
    def test_the_order_is_that_of_the_channels(self, stored):
        configs = {"b": stored(DATA.astype(np.uint16) + 500), "a": stored(DATA[None])}
        array = ConcatArrayConfig(channels=["a", "missing", "b"], source_array_configs=configs).open()
        assert (array.channels, array.num_channels, array.dtype) == (["a", "missing", "b"], 3, np.uint16)
        wanted = np.stack([DATA.astype(np.uint16), np.zeros(DATA.shape, np.uint16), DATA.astype(np.uint16) + 500])
        np.testing.assert_array_equal(array.data, wanted)
        np.testing.assert_array_equal(array[Roi((88, 0, 4), (8, 8, 8))], wanted[:, 1:2, :2, 1:3])

    def test_the_default_stands_in(self, stored):
        array = ConcatArrayConfig(
            channels=["a", "b"], source_array_configs={"a": stored(DATA)}, default_config=stored(DATA + 1)
        ).open()
        np.testing.assert_array_equal(array.data, np.stack([DATA, DATA + 1]))

    def test_arrays_that_differ_are_named(self, stored):
        others = {
            "voxel_size": stored(DATA, voxel_size=[8, 4, 8]),
            "roi": stored(DATA[1:]),
            "units": stored(DATA, units="pm"),
        }
        for what, other in others.items():
            with pytest.raises(DataError, match=rf"channel 'b' has {what if what != 'voxel_size' else 'roi'}"):
                ConcatArrayConfig(channels=["a", "b"], source_array_configs={"a": stored(DATA), "b": other}).open()
        with pytest.raises(DataError, match="2 channels itself"):
            ConcatArrayConfig(channels=["a"], source_array_configs={"a": stored(np.stack([DATA, DATA]))}).open()
        mixed = {"a": stored(DATA.astype(np.uint64)), "b": stored(DATA.astype(np.int64))}
        with pytest.raises(DataError, match="same type"):
            ConcatArrayConfig(channels=["a", "b"], source_array_configs=mixed).open()

    def test_problems_of_the_config(self, stored):
        with pytest.raises(ConfigError, match="did you mean 'mito'"):
            ConcatArrayConfig(channels=["mito"], source_array_configs={"mitos": stored(DATA)})
        with pytest.raises(ConfigError, match="no array"):
            ConcatArrayConfig(channels=["a"], source_array_configs={})
        with pytest.raises(ConfigError, match="not distinct"):
            ConcatArrayConfig(channels=["a", "a"], source_array_configs={"a": stored(DATA)})
