"""What every array does, as tests that a plug-in runs on its own.

::

    @pytest.fixture(scope="module")
    def described(tmp_path_factory):
        path = write_zarr(tmp_path_factory.mktemp("raw"), VOXELS)
        config = MedianArrayConfig(source_array_config=ZarrArrayConfig(file_name=path, dataset="raw"), size=3)
        return config, NumpyArray.from_np_array(median(VOXELS), ROI, VOXEL_SIZE, ["z", "y", "x"], units="nm")

    class TestMedianArray(ArrayConformance):
        pass
"""

import json
import pickle
import re
from typing import Any, ClassVar

import numpy as np
import pytest
from funlib.geometry import Coordinate, Roi
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dalsegno.arrays.array import Array, ArrayConfig
from dalsegno.arrays.numpy_array import NumpyArray
from dalsegno.arrays.stored_array import StoredArray
from dalsegno.errors import DataError
from dalsegno.sources import as_source
from dalsegno.store.converter import structure, unstructure
from dalsegno.store.yaml_text import dump_yaml, parse_yaml
from dalsegno.testing.fresh_process import digest, run_fresh

__all__ = ["ArrayConformance", "regions"]

Described = tuple[ArrayConfig, NumpyArray]

_CONTEXT = 5**3

_quick = settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))

_REOPEN = """
from dalsegno.arrays.array import ArrayConfig
from dalsegno.store.converter import structure
from dalsegno.testing.fresh_process import digest
array = structure(argument, ArrayConfig).open()
answer = [digest(array.data), array.axes, list(array.voxel_size), list(array.roi.begin), array.units]
"""


@st.composite
def regions(draw: st.DrawFn, array: Array) -> Roi:
    """Draw regions of whole voxels inside an array, empty ones too."""
    counts = array.roi.shape / array.voxel_size
    ends = [sorted(draw(st.tuples(st.integers(0, count), st.integers(0, count)))) for count in counts]
    begin, end = (Coordinate(pair[edge] for pair in ends) for edge in (0, 1))
    return Roi(begin, end - begin) * array.voxel_size + array.roi.begin


class ArrayConformance:
    """Tests of one array; they ask for a fixture `described`.

    `described` is the config of the array, and a `NumpyArray` of the voxels that it should show where it should show
    them. A writable array is written, and then holds its voxels again.

    Attributes
    ----------
    valid
        What `verify` says of the config.
    """

    valid: ClassVar[bool] = True

    @pytest.fixture
    def array(self, described: Described) -> Array:
        """Return the array, opened."""
        return described[0].open()

    def test_it_knows_its_place(self, described: Described, array: Array) -> None:
        """Axes, voxels, region, units, type and channels; a stored array also says where it knows them from."""
        _, expected = described
        for what in ("axes", "spatial_axes", "dims", "voxel_size", "roi", "units", "dtype", "num_channels"):
            assert getattr(array, what) == getattr(expected, what), what
        assert array.channels is None or len(array.channels) == array.num_channels
        assert isinstance(array.attrs, dict)
        assert str(array.roi) in repr(array)
        if isinstance(array, StoredArray) and array.origins:
            assert set(array.origins) == {"axes", "voxel_size", "offset", "units"}

    def test_it_is_read_as_a_whole(self, described: Described, array: Array) -> None:
        """By its region, and as a source of voxels."""
        _, expected = described
        for whole in (array.data, array[array.roi], array.to_ndarray(), as_source(array)[...]):
            _same(whole, expected.data)

    @_quick
    @given(data=st.data())
    def test_regions_are_parts_of_the_whole(self, described: Described, array: Array, data: st.DataObject) -> None:
        """Empty ones have the right shape."""
        _, expected = described
        roi = data.draw(regions(expected))
        _same(array[roi], expected[roi])

    @_quick
    @given(data=st.data())
    def test_tiles_fit_together(self, described: Described, array: Array, data: st.DataObject) -> None:
        """Read in any tiling, it is the array read at once."""
        _, expected = described
        size = expected.voxel_size
        edges = Coordinate(data.draw(st.integers((count + 2) // 3, count)) for count in expected.roi.shape / size)
        tiled = np.zeros_like(expected.data)
        for corner in np.ndindex(*(-(-expected.roi.shape // (edges * size)))):
            tile = Roi(Coordinate(corner) * edges * size + expected.roi.begin, edges * size).intersect(expected.roi)
            tiled[(..., *((tile - expected.roi.begin) / size).to_slices())] = array[tile]
        _same(tiled, expected.data)

    def test_opening_and_a_voxel_read_no_more_than_they_need(
        self, described: Described, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Of no stored array half or more; tiny ones are left out, since most of them is context."""
        counted: list[tuple[StoredArray, int]] = []
        read = StoredArray._read  # noqa: SLF001 - what every read of a stored array goes through

        def counting(stored: StoredArray, roi: Roi) -> NDArray[Any]:
            block = read(stored, roi)
            counted.append((stored, block.size))
            return block

        monkeypatch.setattr(StoredArray, "_read", counting)
        array = described[0].open()
        array[Roi(array.roi.begin, array.voxel_size)]
        for stored in _stored_below(array):
            voxels = sum(size for other, size in counted if other is stored)
            assert voxels < max(_CONTEXT, stored.source.size / 2), f"{voxels} of {stored.source.size} voxels were read"

    def test_regions_outside_are_errors_that_name_both(self, described: Described, array: Array) -> None:
        """Half outside, wholly outside, larger than the data; unless a fill value is given."""
        _, expected = described
        inside, size = expected.roi, expected.voxel_size
        for roi in (inside + size, inside - size, inside + inside.shape * 2, inside.grow(size, size)):
            for read in (array.__getitem__, array.to_ndarray):
                with pytest.raises(DataError, match="not inside") as error:
                    read(roi)
                assert str(roi) in str(error.value)
                assert str(inside) in str(error.value)
        with pytest.raises(DataError, match=re.escape(f"{array.dims}: ")):
            array[Roi((0,) * (array.dims + 1), (1,) * (array.dims + 1))]
        around = [(0, 0)] * (expected.num_channels is not None) + [(1, 1)] * expected.dims
        _same(array.to_ndarray(inside.grow(size, size), fill_value=1), np.pad(expected.data, around, constant_values=1))

    def test_regions_between_voxels_are_errors_unless_snapped(self, described: Described, array: Array) -> None:
        """Along every axis whose voxels are larger than one unit."""
        _, expected = described
        size, inside = expected.voxel_size, expected.roi
        for axis in (axis for axis in range(expected.dims) if size[axis] > 1):
            one = Coordinate(int(axis == other) for other in range(expected.dims))
            roi = Roi(inside.begin + one, inside.shape - one)
            with pytest.raises(DataError, match="not aligned") as error:
                array[roi]
            assert str(roi) in str(error.value)
            assert str(inside) in str(error.value)
            later = Roi(inside.begin + size * one, inside.shape - size * one)
            _same(array.to_ndarray(roi, snap="grow"), expected[inside])
            _same(array.to_ndarray(roi, snap="shrink"), expected[later])
            if size[axis] > 2:  # half a voxel is as close to either side
                _same(array.to_ndarray(roi, snap="closest"), expected[inside])

    def test_writing_is_seen_or_refused(self, described: Described, array: Array) -> None:
        """A writable array shows what was written; the others say that they are read-only."""
        _, expected = described
        if not array.writable:
            with pytest.raises(DataError, match="read-only"):
                array[array.roi] = 1
            return
        part = Roi(expected.roi.begin, expected.voxel_size)
        try:
            array[part] = 1
            assert (array[part] == 1).all()
            with pytest.raises(DataError, match="not inside"):
                array[expected.roi + expected.voxel_size] = 1
        finally:
            array[array.roi] = expected.data
        _same(array.data, expected.data)

    def test_its_config_is_plain(self, described: Described) -> None:
        """It goes through JSON, YAML and pickle; the base of its kind is enough to read it."""
        config, _ = described
        plain = unstructure(config)
        assert structure(json.loads(json.dumps(plain)), ArrayConfig) == config
        assert structure(parse_yaml(dump_yaml(plain), "the config")[0], ArrayConfig) == config
        assert pickle.loads(pickle.dumps(config)) == config
        assert hash(config) == hash(structure(plain, ArrayConfig))

    def test_another_process_reads_the_same(self, described: Described, array: Array) -> None:
        """A fresh one by the config, and one that it is sent to by pickle."""
        config, expected = described
        place = [expected.axes, list(expected.voxel_size), list(expected.roi.begin), expected.units]
        assert run_fresh(_REOPEN, unstructure(config)) == [digest(expected.data), *place]
        _same(pickle.loads(pickle.dumps(array)).data, expected.data)

    def test_verify_says_whether_it_can_be_used(self, described: Described) -> None:
        """With a reason."""
        valid, reason = described[0].verify()
        assert valid == self.valid
        assert reason

    def test_it_is_a_layer_of_neuroglancer(self, described: Described, array: Array) -> None:
        """With its voxels, where neuroglancer is installed."""
        neuroglancer = pytest.importorskip("neuroglancer")
        _, expected = described
        assert array._can_neuroglance()  # noqa: SLF001 - named so by those who look for it
        layer, more = array._neuroglancer_layer()  # noqa: SLF001
        state = neuroglancer.ViewerState()
        state.layers.append(layer=layer, **more)
        volume = layer.source[0].url
        assert isinstance(volume, neuroglancer.LocalVolume)
        assert tuple(volume.shape) == expected.data.shape
        np.testing.assert_array_equal(np.asarray(volume.data[...]), expected.data.astype(volume.data_type))


def _stored_below(array: Array) -> list[StoredArray]:
    """Return the stored arrays that a view is made of, each once; for a stored array that one."""
    if isinstance(array, StoredArray):
        return [array]
    found: dict[int, StoredArray] = {}
    for value in vars(array).values():
        several = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else [value]
        for one in several:
            if isinstance(one, Array):
                found |= {id(stored): stored for stored in _stored_below(one)}
    return list(found.values())


def _same(got: NDArray[Any], wanted: NDArray[Any]) -> None:
    assert got.shape == wanted.shape
    assert got.dtype == wanted.dtype
    np.testing.assert_array_equal(got, wanted)
