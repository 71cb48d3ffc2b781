import pytest
from upath import UPath

from dalsegno.errors import ConfigError, StoreError
from dalsegno.store.array_store import FileArrayStore, LocalArrayIdentifier, LocalContainerIdentifier


@pytest.fixture
def store(tmp_path):
    return FileArrayStore(tmp_path)


def test_every_array_has_its_place(store, tmp_path):
    container = tmp_path / "runs" / "r" / "validation.zarr"
    assert str(store.validation_container("r")) == str(container)
    assert str(store.validation_prediction_array("r", 10, "d")) == f"{container}/10/d/prediction"
    assert store.validation_output_array("r", 10, "threshold=-0.5", "d").dataset == "10/d/output/threshold=-0.5"
    raw, gt = store.validation_input_arrays("r", "d")
    assert (raw.dataset, gt.dataset) == ("inputs/d/raw", "inputs/d/gt")
    assert store.validation_input_arrays("r")[0].dataset == "inputs/raw"
    assert str(store.snapshot_container("r")) == str(tmp_path / "runs" / "r" / "snapshot.zarr")


def test_a_container_names_its_arrays():
    container = LocalContainerIdentifier(UPath("a.zarr"))
    assert container.array_identifier("x/y") == LocalArrayIdentifier(UPath("a.zarr"), "x/y")
    with pytest.raises(TypeError, match="named by a text"):
        container.array_identifier(3)


@pytest.mark.parametrize("parameters", ["a/b", "..", ".", "a:b|c", "id=2, bias=0.5, context=(32, 32)"])
def test_different_parameters_have_different_places_below_the_output(store, parameters):
    place = store.validation_output_array("r", 1, parameters, "d").dataset.removeprefix("1/d/output/")
    assert "/" not in place
    assert place.strip(".")


def test_an_array_is_removed_and_nothing_else(store, tmp_path):
    kept, removed = (store.validation_output_array("r", 1, name, "d") for name in "ab")
    for identifier in (kept, removed):
        (identifier.container / identifier.dataset).mkdir(parents=True)
    store.remove(removed)
    store.remove(removed)
    assert (kept.container / kept.dataset).exists()
    assert not (removed.container / removed.dataset).exists()


@pytest.mark.parametrize("dataset", ["", ".", "../../../..", "../../../../elsewhere"])
def test_what_is_not_in_the_store_is_not_removed(store, tmp_path, dataset):
    (tmp_path / "runs" / "r" / "validation.zarr").mkdir(parents=True)
    with pytest.raises(StoreError, match="does not remove it"):
        store.remove(store.validation_container("r").array_identifier(dataset))
    assert (tmp_path / "runs" / "r" / "validation.zarr").exists()


def test_names_can_not_leave_the_store(store):
    with pytest.raises(ConfigError, match="dataset name"):
        store.validation_prediction_array("r", 1, "../d")
    with pytest.raises(ConfigError, match="run name"):
        store.snapshot_container("a/b")
