"""What every source does, as tests that a plug-in runs on its own.

::

    @pytest.fixture(scope="module")
    def stored(tmp_path_factory):
        path = write_nd2(tmp_path_factory.mktemp("nd2"), VOXELS)
        return open_source(path), VOXELS

    class TestNd2(SourceConformance):
        pass
"""

import json
import os
import pickle
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from io import StringIO
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dalsegno.sources import Source, SourceSpec, as_source, from_spec
from dalsegno.testing.fresh_process import digest, run_fresh

__all__ = ["SourceConformance", "indices"]

Stored = tuple[Source, NDArray[Any]]

_quick = settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))

_REOPEN = """
import base64, os, pickle
from dalsegno.sources import SourceSpec, from_spec
from dalsegno.testing.fresh_process import digest
reopened = from_spec(SourceSpec.from_dict(argument["spec"]))
unpickled = pickle.loads(base64.b64decode(argument["pickled"]))
answer = {"spec": digest(reopened[...]), "pickle": digest(unpickled[...]), "writable": reopened.writable}
"""

_FORK = """
child = os.fork()
if child == 0:
    os._exit(0 if digest(reopened[...]) == answer["spec"] else 3)
answer["fork"] = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
"""


def indices(shape: tuple[int, ...]) -> st.SearchStrategy[tuple[Any, ...]]:
    """Draw indices of integers, slices and an ellipsis; bounds lie inside and outside of the shape."""

    def entry(size: int) -> st.SearchStrategy[Any]:
        bounds = st.none() | st.integers(-size - 2, size + 2)
        slices = st.builds(slice, bounds, bounds)
        return slices | st.integers(-size, size - 1) if size else slices

    def drawn(axes: int) -> st.SearchStrategy[tuple[Any, ...]]:
        head = st.tuples(*map(entry, shape[:axes]))
        tail = st.tuples(*map(entry, shape[axes:]))
        return head | st.tuples(head, tail).map(lambda ends: (*ends[0], ..., *ends[1]))

    return st.integers(0, len(shape)).flatmap(drawn)


class SourceConformance:
    """Tests of one source; they ask for a fixture `stored`.

    `stored` is the source, with at least one axis, and the voxels that it holds, as a numpy array. Voxels should
    differ from each other. A writable source is written, and then holds its voxels again.

    Attributes
    ----------
    reopenable
        Whether the source has a spec. One that has none says why.
    exclusive
        Whether the source locks its file against other processes. It is closed before they read, so `stored` is
        made anew for every test.
    """

    reopenable: ClassVar[bool] = True
    exclusive: ClassVar[bool] = False

    def test_it_knows_shape_and_dtype(self, stored: Stored) -> None:
        """Shape, dtype, number of axes and voxels, chunks and shards."""
        source, voxels = stored
        assert isinstance(source, Source)
        assert as_source(source) is source
        assert (source.shape, source.dtype) == (voxels.shape, voxels.dtype)
        assert all(type(size) is int for size in source.shape)
        assert (source.ndim, source.size, len(source)) == (voxels.ndim, voxels.size, len(voxels))
        for sizes in (source.chunks, source.shards):
            assert sizes is None or (len(sizes) == source.ndim and min(sizes) > 0)

    def test_it_is_read_as_a_whole(self, stored: Stored) -> None:
        """By slices, by ellipsis, by numpy, and by iterating."""
        source, voxels = stored
        for whole in (source[...], source[:], source[()], np.asarray(source), np.stack(list(source))):
            _same(whole, voxels)

    @_quick
    @given(data=st.data())
    def test_indices_mean_what_they_mean_to_numpy(self, stored: Stored, data: st.DataObject) -> None:
        """Integers, slices and an ellipsis, from either end, within and beyond the shape."""
        source, voxels = stored
        index = data.draw(indices(voxels.shape))
        _same(source[index], voxels[index])

    def test_the_ends_of_every_axis_are_read(self, stored: Stored) -> None:
        """The most negative index too, and empty regions in every place."""
        source, voxels = stored
        for axis, size in enumerate(voxels.shape):
            ahead = (slice(None),) * axis
            entries: list[Any] = [0, size - 1, -1, -size, np.int64(-size)]
            entries += [slice(size, None), slice(3, 1), slice(-size - 3, -size), slice(0, 0), slice(-size - 3, 1)]
            for entry in entries:
                _same(source[(*ahead, entry)], voxels[(*ahead, entry)])

    def test_all_integers_give_a_scalar(self, stored: Stored) -> None:
        """Of the source's own type."""
        source, voxels = stored
        corner = (-1,) * voxels.ndim
        assert isinstance(source[corner], np.generic)
        assert source[corner].dtype == voxels.dtype
        assert source[corner] == voxels[corner]

    def test_wrong_indices_are_errors(self, stored: Stored) -> None:
        """Of the kind that numpy raises, and of the kind that sources are documented to raise."""
        source, voxels = stored
        beyond, before = voxels.shape[0], -voxels.shape[0] - 1
        _refused(source, [beyond, before], (IndexError, ValueError), "out of range")
        _refused(source, [(0,) * (voxels.ndim + 1)], (IndexError, TypeError), "too long")
        _refused(source, [slice(None, None, 2), slice(None, None, -1), (..., ...)], (ValueError,), r"steps|ellipsis")
        others = [None, [0], np.array([0]), np.array(0), (np.array([0, 1]),), "a", 1.0, True, np.True_]
        _refused(source, others, (TypeError,), "can't index")

    @_quick
    @given(data=st.data())
    def test_writing_is_as_in_numpy_or_refused(self, stored: Stored, data: st.DataObject) -> None:
        """Broadcast and cast alike behind every index; a source that can't be written says so."""
        source, voxels = stored
        index = data.draw(indices(voxels.shape))
        if not source.writable:
            with pytest.raises(TypeError, match="read-only"):
                source[index] = 1
            return
        wanted = voxels.copy()
        region = wanted[index].shape
        kept = region[data.draw(st.integers(0, len(region))) :]
        value = (np.random.default_rng(0).random(kept) * 100).astype(data.draw(st.sampled_from([np.float64, np.int16])))
        wanted[index] = value
        with _restored(source, voxels):
            source[index] = value
            _same(source[...], wanted)

    def test_values_that_do_not_fit_are_refused(self, stored: Stored) -> None:
        """Before anything is written."""
        source, voxels = stored
        if not source.writable:
            with pytest.raises(TypeError, match="read-only"):
                source[...] = voxels
            return
        with _restored(source, voxels):
            for wrong in (np.ones((*voxels.shape[:-1], voxels.shape[-1] + 1)), np.ones((2, *voxels.shape))):
                with pytest.raises(ValueError, match="don't fit"):
                    source[...] = wrong
            with pytest.raises(IndexError):
                source[voxels.shape[0]] = 1
            _same(source[...], voxels)
            source[0] = voxels[0].tolist()
            source[:1] = voxels[:1]
            source[..., 0:0] = 1
            _same(source[...], voxels)

    def test_the_spec_is_plain(self, stored: Stored) -> None:
        """It goes through JSON, YAML and pickle, holds no relative path, and is the same when reopened."""
        source, _ = stored
        if not self.reopenable:
            with pytest.raises(ValueError, match=r"can't|no "):
                source.to_spec()
            return
        spec = source.to_spec()
        assert SourceSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec
        assert SourceSpec.from_dict(_through_yaml(spec.to_dict())) == spec
        assert pickle.loads(pickle.dumps(spec)) == spec
        assert spec.path is None or "://" in spec.path or os.path.isabs(spec.path)  # noqa: PTH117 - a text
        with from_spec(spec) as again:
            assert again.to_spec() == spec

    def test_another_process_reads_the_same(self, stored: Stored) -> None:
        """A fresh one by the spec, one that it was sent to by pickle, and one that was forked after reading."""
        source, voxels = stored
        if not self.reopenable:
            _same(pickle.loads(pickle.dumps(source))[...], voxels)
            return
        import base64

        argument = {"spec": source.to_spec().to_dict(), "pickled": base64.b64encode(pickle.dumps(source)).decode()}
        expected = {"spec": digest(voxels), "pickle": digest(voxels), "writable": source.writable, "fork": 0}
        if self.exclusive:
            source.close()
            del expected["fork"]
        assert run_fresh(_REOPEN if self.exclusive else _REOPEN + _FORK, argument) == expected

    def test_threads_read_the_same_source(self, stored: Stored) -> None:
        """Eight of them, many regions at once."""
        source, voxels = stored
        generator = np.random.default_rng(0)
        corners = generator.integers(0, voxels.shape, (64, 2, voxels.ndim))
        regions = [tuple(map(slice, *np.sort(pair, axis=0).tolist())) for pair in corners]
        with ThreadPoolExecutor(8) as threads:
            for region, block in zip(regions, threads.map(source.__getitem__, regions), strict=True):
                _same(block, voxels[region])

    def test_it_closes(self, stored: Stored) -> None:
        """Also twice, and only itself: nothing can be read or written after it, and no file stays open or mapped."""
        source, voxels = stored
        before = _open_files(source)
        again = from_spec(source.to_spec()) if self.reopenable else pickle.loads(pickle.dumps(source))
        with again:
            _same(again[:1], voxels[:1])
        again.close()
        deadline = time.monotonic() + 5  # tensorstore's threads close a file a moment after it was read
        while (left := Counter(_open_files(source)) - Counter(before)) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not left
        for index in (0, slice(1), slice(0), ...):
            with pytest.raises(ValueError, match="closed"):
                again[index]
        with pytest.raises(ValueError, match="closed"):
            again[...] = voxels
        assert str(again)
        _same(source[:1], voxels[:1])


def _refused(source: Source, indices: list[Any], errors: tuple[type[Exception], ...], match: str) -> None:
    for index in indices:
        for error in errors:
            with pytest.raises(error, match=match):
                source[index]


def _same(got: Any, wanted: Any) -> None:
    assert got.shape == wanted.shape
    assert got.dtype == wanted.dtype
    np.testing.assert_array_equal(got, wanted)


def _open_files(source: Source) -> list[str]:
    """Return the open and the mapped files of a source on a disk, once for each time that they are open."""
    try:
        path = source.to_spec().path
    except ValueError:
        return []
    if path is None or "://" in path or not Path("/proc/self/fd").is_dir():
        return []
    found = []
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # the folder's own is closed by now
            found.append(str(descriptor.readlink()))
    found += [line.partition("/")[2] for line in Path("/proc/self/maps").read_text().splitlines()]
    return sorted(name for name in found if name.strip("/").startswith(os.path.realpath(path).strip("/")))


@contextmanager
def _restored(source: Source, voxels: NDArray[Any]) -> Iterator[None]:
    try:
        yield
    finally:
        source[...] = voxels


def _through_yaml(data: Any) -> Any:
    from ruamel.yaml import YAML

    text = StringIO()
    yaml = YAML(typ="safe")
    yaml.dump(data, text)
    return yaml.load(text.getvalue())
