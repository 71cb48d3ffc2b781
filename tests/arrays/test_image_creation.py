"""Creating images: what is refused before anything is written, what is replaced, and creating from many processes."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest
import zarr
from funlib.geometry import Coordinate, Roi
from image_creation import create

from dalsegno.arrays.zarr_array import ZarrArrayConfig
from dalsegno.errors import ConfigError, DataError


@pytest.fixture
def container(tmp_path):
    return tmp_path / "a.zarr"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"axes": ["z", "z", "x"]}, "name each axis differently"),
        ({"axes": ["z", "", "x"]}, "name each axis differently"),
        ({"axes": ["z", 1, "x"]}, "name each axis differently"),
        ({"axes": ["t", "y", "x"]}, "an image for each position"),
        ({"axes": ["c", "z", "y", "x"], "num_channels": 0}, "1 or more"),
        ({"axes": ["c", "z", "y", "x"], "num_channels": 1.5}, "1 or more"),
        ({"axes": ["c", "z", "y", "x"], "num_channels": True}, "1 or more"),
        ({"roi": Roi((0, 0, 0), (0, 40, 40))}, "no voxels"),
        ({"roi": Roi((0, 0, 0), (-8, 40, 40))}, "no voxels"),
        ({"roi": Roi((0, 0, 0), (None, 40, 40))}, "no bounds"),
        ({"roi": Roi((None, 0, 0), (8, 40, 40))}, "no bounds"),
        ({"roi": Roi((0, 0), (40, 40))}, "for each axis"),
        ({"voxel_size": Coordinate(4, 4)}, "for each axis"),
        ({"voxel_size": Coordinate(0, 4, 4)}, "above 0"),
        ({"voxel_size": (8.5, 4, 4)}, "finer unit"),
        ({"units": "furlong"}, "unknown unit"),
        ({"dtype": "U5"}, "can't be stored"),
        ({"dtype": object}, "can't be stored"),
        ({"dtype": np.longdouble}, "can't be stored"),
        ({"dtype": "foo"}, "no type of numpy"),
        ({"mode": "foo"}, "mode 'foo' is none of"),
        ({"mode": "r"}, "mode 'r' is none of"),
        ({"write_size": Coordinate(8, 8)}, "write_size"),
        ({"write_size": Coordinate(0, 8, 8)}, "write_size"),
        ({"dataset": "../x"}, "can't be the name"),
        ({"dataset": "a/./b"}, "can't be the name"),
        ({"dataset": "a//b"}, "can't be the name"),
        ({"dataset": "__a"}, "can't be the name"),
        ({"dataset": "a/zarr.json"}, "can't be the name"),
    ],
)
def test_what_can_not_be_is_refused_before_anything_is_written(container, options, message):
    with pytest.raises((DataError, ConfigError), match=message):
        create(container, **options)
    assert not container.exists()
    create(container)


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint64, np.float16, np.float64, np.complex64])
def test_numbers_are_stored(container, dtype):
    array = create(container, dtype=dtype)
    array[array.roi] = 1
    assert (array.data == np.ones((), dtype)).all()
    assert array.dtype == dtype


def test_what_can_not_be_a_container_is_named(tmp_path):
    (tmp_path / "file.zarr").write_text("mine")
    for container in ("file.zarr", "file.zarr/deeper.zarr"):
        with pytest.raises(DataError, match=r"file\.zarr can't hold .*a file is where"):
            create(tmp_path / container)
    with pytest.raises(DataError, match=r"/proc/x\.zarr can't be written"):
        create("/proc/x.zarr")
    assert (tmp_path / "file.zarr").read_text() == "mine"


def test_a_container_inside_another_is_part_of_it(tmp_path):
    zarr.open_group(tmp_path / "a.zarr", mode="w", zarr_format=2)
    create(tmp_path / "a.zarr/crops", "raw")
    assert list(zarr.open_group(tmp_path / "a.zarr", mode="r", zarr_format=2)["crops/raw/s0"].shape) == [4, 10, 12]


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_voxels_are_compressed_with_zstd(container, zarr_format):
    zarr.open_group(container, mode="w", zarr_format=zarr_format)
    create(container)
    documents = [
        path.read_text() for path in (container / "image/s0").iterdir() if path.name in (".zarray", "zarr.json")
    ]
    assert len(documents) == 1
    assert "zstd" in documents[0]
    assert "blosc" not in documents[0]


class TestReplacing:
    @pytest.mark.parametrize("overwrite", [False, True])
    def test_a_group_in_the_place_of_the_voxels_stays(self, container, overwrite):
        zarr.open_group(container).create_array("vol/s0/precious", data=np.arange(3))
        with pytest.raises(DataError, match=r"vol/s0, .* is a group"):
            create(container, "vol", overwrite=overwrite)
        assert list(zarr.open_array(container / "vol/s0/precious", mode="r")) == [0, 1, 2]

    def test_files_in_the_place_of_the_voxels_stay(self, container):
        (container / "vol/s0").mkdir(parents=True)
        (container / "vol/s0/notes.txt").write_text("mine")
        for overwrite in (False, True):
            with pytest.raises(DataError, match=r"vol/s0 .* no array"):
                create(container, "vol", overwrite=overwrite)
        assert (container / "vol/s0/notes.txt").read_text() == "mine"

    def test_a_group_that_holds_other_arrays_becomes_an_image(self, container):
        zarr.open_group(container).create_array("vol/mine", data=np.arange(3))
        create(container, "vol")
        assert list(zarr.open_array(container / "vol/mine", mode="r")) == [0, 1, 2]

    @pytest.mark.parametrize("zarr_format", [2, 3])
    def test_all_levels_go_with_their_image(self, container, zarr_format):
        root = zarr.open_group(container, mode="w", zarr_format=zarr_format)
        old = root.create_group("vol", attributes=_image(zarr_format, "0", "1", "gone") | {"note": 7})
        for name in ("0", "1", "mine", "labels/cells/0"):
            old.create_array(name, data=np.arange(3))
        with pytest.raises(DataError, match="overwrite=True"):
            create(container, "vol")
        create(container, "vol", overwrite=True)
        new = zarr.open_group(container / "vol", mode="r", use_consolidated=False)
        assert sorted(new.keys()) == ["labels", "mine", "s0"]
        assert new.attrs["note"] == 7
        assert ZarrArrayConfig(file_name=container, dataset="vol").open().data.shape == (4, 10, 12)

    @pytest.mark.parametrize("levels", [["../mine"], ["."], [""], [None], [3]])
    def test_an_image_whose_levels_are_not_told_stays(self, container, levels):
        root = zarr.open_group(container, mode="w")
        root.create_array("mine", data=np.arange(3))
        root.create_group("vol", attributes=_image(3, *levels)).create_array("inner", data=np.arange(3))
        with pytest.raises(DataError, match="metadata ome is damaged"):
            create(container, "vol", overwrite=True)
        assert list(root["mine"]) == list(root["vol/inner"]) == [0, 1, 2]

    @pytest.mark.parametrize(
        "attributes", [{"ome": 3}, {"multiscales": 3}, {"multiscales": [{}]}, {"ome": {"multiscales": ["x"]}}]
    )
    def test_metadata_of_another_shape_is_damaged(self, container, attributes):
        zarr.open_group(container, mode="w").create_group("vol", attributes=attributes)
        with pytest.raises(DataError, match="is damaged"):
            create(container, "vol", overwrite=True)

    def test_damaged_documents_are_named(self, container):
        create(container, "vol")
        (container / "vol/zarr.json").write_text("{")
        with pytest.raises(DataError, match=r"vol/zarr\.json"):
            create(container, "vol", overwrite=True)

    def test_a_creation_that_was_interrupted_is_taken_up(self, container):
        (container / "vol/s0").mkdir(parents=True)
        (container / "vol/s0/zarr.0123.partial").write_text("{")
        with pytest.raises(DataError, match="overwrite=True"):
            create(container, "vol")
        assert create(container, "vol", overwrite=True).data.shape == (4, 10, 12)

    def test_consolidated_metadata_does_not_hide_what_is_there(self, container):
        zarr.open_group(container, mode="w")
        zarr.consolidate_metadata(container)
        create(container, "vol")
        with pytest.raises(DataError, match="overwrite=True"):
            create(container, "vol")


def _image(zarr_format, *levels):
    image = {"multiscales": [{"version": "0.4", "axes": [], "datasets": [{"path": level} for level in levels]}]}
    return image if zarr_format == 2 else {"ome": {"version": "0.5", **image}}


def _try_to_create(container, dataset):
    try:
        array = create(container, dataset, shape=(4, 4, 4))
    except DataError as error:
        return str(error)
    array[array.roi] = 4
    return "created"


def test_several_processes_create(tmp_path):
    """Different images all succeed in a container that is new; of the same image, one."""
    with ProcessPoolExecutor(4, get_context("forkserver")) as pool:
        for attempt in range(6):
            container = tmp_path / f"{attempt}.zarr"
            names = [f"group/{number}" for number in range(4)]
            assert list(pool.map(_try_to_create, [container] * 4, names)) == ["created"] * 4
            for name in names:
                assert (ZarrArrayConfig(file_name=container, dataset=name).open().data == 4).all()
            outcomes = list(pool.map(_try_to_create, [tmp_path / f"same{attempt}.zarr"] * 4, ["same"] * 4))
            assert outcomes.count("created") == 1, outcomes
            assert sum("exists already" in outcome for outcome in outcomes) == 3, outcomes
