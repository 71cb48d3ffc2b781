"""Masks that are made of other arrays."""

import shutil

import numpy as np
import pytest
from funlib.geometry import Coordinate, Roi

from dalsegno.arrays.concat_array import ConcatArrayConfig
from dalsegno.arrays.crop_array import CropArrayConfig
from dalsegno.arrays.logical_or_array import LogicalOrArrayConfig
from dalsegno.arrays.missing_annotations_mask import MissingAnnotationsMaskConfig
from dalsegno.arrays.numpy_array import NumpyArray
from dalsegno.arrays.ones_array import OnesArray, OnesArrayConfig
from dalsegno.errors import ConfigError, DataError

LABELS = np.random.default_rng(0).integers(0, 6, (6, 7, 9)).astype(np.uint8)
PART = Roi((88, 4, 8), (16, 8, 12))
HERE = np.s_[..., 1:3, 1:3, 2:5]


class TestOnes:
    def test_ones_cover_the_source(self, stored):
        ones = OnesArrayConfig(source_array_config=stored(LABELS)).open()
        assert (ones.roi, ones.voxel_size, ones.axes) == (Roi((80, 0, 0), (48, 28, 36)), (8, 4, 4), ["z", "y", "x"])
        assert (ones.dtype, ones.num_channels, ones.attrs, ones.writable) == (bool, None, {}, False)
        assert ones[PART].shape == (2, 2, 3)
        assert ones.data.all()

    def test_its_voxels_are_never_read(self, stored):
        config = OnesArrayConfig(source_array_config=stored(np.stack([LABELS, LABELS])))
        ones = config.open()
        shutil.rmtree(config.source_array_config.file_name)
        assert ones[PART].shape == (2, 2, 2, 3)

    def test_like_takes_an_open_array(self):
        array = NumpyArray.from_np_array(LABELS[0], Roi((4, 4), (14, 18)), Coordinate(2, 2), ["y", "x"], units="nm")
        ones = OnesArray.like(array)
        assert ones.source_array is array
        assert (ones.roi, ones.units) == (array.roi, "nm")
        np.testing.assert_array_equal(ones.data, np.ones((7, 9), bool))


class TestLogicalOr:
    @pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float32])
    def test_joins_the_channels(self, stored, dtype):
        masks = np.stack([LABELS == 1, LABELS == 2, LABELS > 9]).astype(dtype) * dtype(3)
        joined = LogicalOrArrayConfig(source_array_config=stored(masks, channels=["a", "b", "c"])).open()
        assert (joined.axes, joined.num_channels, joined.channels) == (["z", "y", "x"], None, None)
        assert joined.dtype == joined.data.dtype == np.uint8
        np.testing.assert_array_equal(joined.data, (LABELS == 1) | (LABELS == 2))
        np.testing.assert_array_equal(joined[PART], joined.data[HERE])

    def test_joins_arrays_that_stand_side_by_side(self, stored):
        sources = {"a": stored((LABELS == 1).astype(np.uint8)), "b": stored((LABELS == 4).astype(np.uint8))}
        both = ConcatArrayConfig(channels=["a", "b"], source_array_configs=sources)
        np.testing.assert_array_equal(
            LogicalOrArrayConfig(source_array_config=both).open().data, np.isin(LABELS, [1, 4])
        )

    def test_a_source_without_channels_is_an_error(self, stored):
        with pytest.raises(DataError, match="no channels"):
            LogicalOrArrayConfig(source_array_config=stored(LABELS)).open()


def state(value, present, annotated):
    return {"value": value, "name": f"n{value}", "annotationState": {"present": present, "annotated": annotated}}


STATES = [state(1, True, True), state(2, True, False), state(3, False, False), state(4, False, True)]


class TestMissingAnnotations:
    groupings = (("one", (1,)), ("one and two", (1, 2)), ("absent", (3,)), ("four", (4, 77)), ("any", ()))

    def test_classes_that_are_present_but_not_annotated_are_left_out(self, stored):
        mask = MissingAnnotationsMaskConfig(
            source_array_config=stored(LABELS, labels=STATES), groupings=self.groupings
        ).open()
        assert (mask.axes, mask.dtype, mask.num_channels) == (["c", "z", "y", "x"], np.uint8, 5)
        assert mask.channels == ["one", "one and two", "absent", "four", "any"]
        wanted = (LABELS > 0) * np.array([1, 0, 1, 1, 0])[:, None, None, None]
        np.testing.assert_array_equal(mask.data, wanted)
        np.testing.assert_array_equal(mask[PART], wanted[HERE])

    def test_the_attribute_is_found_through_views(self, stored):
        crop = CropArrayConfig(source_array_config=stored(LABELS[None], labels=STATES), roi=PART)
        mask = MissingAnnotationsMaskConfig(source_array_config=crop, groupings=(("two", (2,)),)).open()
        assert not mask.data.any()

    @pytest.mark.parametrize("attributes", [{}, {"labels": []}])
    def test_without_the_attribute_every_label_counts(self, stored, attributes):
        source = stored(LABELS, **attributes)
        mask = MissingAnnotationsMaskConfig(source_array_config=source, groupings=(("a", (1,)), ("b", ()))).open()
        np.testing.assert_array_equal(mask.data, np.stack([LABELS > 0] * 2))

    @pytest.mark.parametrize(
        "labels",
        [
            "mito",
            ["mito"],
            None,
            [{"value": 1}],
            [{"value": 1, "annotationState": {"present": True}}],
            [{"value": 1, "annotationState": {"present": "no", "annotated": False}}],
            [{"value": "1", "annotationState": {"present": True, "annotated": False}}],
        ],
    )
    def test_another_attribute_of_that_name_is_an_error(self, stored, labels):
        config = MissingAnnotationsMaskConfig(
            source_array_config=stored(LABELS, labels=labels), groupings=(("a", (1,)),)
        )
        with pytest.raises(DataError, match="annotationState"):
            config.open()

    def test_what_is_no_label_is_an_error(self, stored):
        with pytest.raises(DataError, match="labels are integers"):
            MissingAnnotationsMaskConfig(
                source_array_config=stored(LABELS.astype(float)), groupings=(("a", (1,)),)
            ).open()
        with pytest.raises(ConfigError, match="own name"):
            MissingAnnotationsMaskConfig(source_array_config=stored(LABELS), groupings=(("a", (1,)), ("a", (2,))))
