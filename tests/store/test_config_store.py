import multiprocessing

import pytest

from dalsegno.errors import ConfigError, NameTaken, StoreError
from dalsegno.store.config_store import KINDS, FileConfigStore

RUN = {
    "name": "a",
    "trainer_config": {"__type__": "X", "learning_rate": 0.001, "shape": (1, 2), "augments": [{"p": 1.0}]},
    "text": "${NOT_A_REFERENCE}",
    "nothing": None,
}


@pytest.fixture
def store(tmp_path):
    return FileConfigStore(tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_a_document_comes_back(store, kind):
    store.put(kind, "a", RUN)
    stored = store.get(kind, "a")
    assert stored["trainer_config"].pop("shape") == [1, 2]
    assert stored["text"] == "${NOT_A_REFERENCE}"
    assert store.names(kind) == ["a"]


def test_the_same_content_again_changes_nothing(store, tmp_path):
    store.put("runs", "a", RUN | {"score": float("nan")})
    path = tmp_path / "configs" / "runs" / "a.yaml"
    before = path.stat()
    store.put("runs", "a", RUN | {"score": float("nan")})
    store.put("runs", "a", store.get("runs", "a"))
    assert path.stat().st_mtime_ns == before.st_mtime_ns


def test_another_content_shows_what_differs(store):
    store.put("runs", "a", RUN)
    changed = RUN | {"trainer_config": RUN["trainer_config"] | {"learning_rate": 0.0001, "augments": []}, "more": 1}
    with pytest.raises(NameTaken) as caught:
        store.put("runs", "a", changed)
    assert str(caught.value).splitlines()[1:4] == [
        "  trainer_config.learning_rate: stored 0.001, given 0.0001",
        "  trainer_config.augments: stored [{'p': 1.0}], given []",
        "  more: stored nothing, given 1",
    ]
    assert store.get("runs", "a")["trainer_config"]["learning_rate"] == 0.001


def test_a_check_raises_what_put_would_and_writes_nothing(store, tmp_path):
    store.check("runs", "a", RUN)
    assert list(tmp_path.iterdir()) == []
    store.put("runs", "a", RUN)
    store.check("runs", "a", RUN)
    messages = []
    for method in (store.check, store.put):
        with pytest.raises(NameTaken) as caught:
            method("runs", "a", RUN | {"text": "other"})
        messages.append(str(caught.value))
    assert messages[0] == messages[1]
    assert store.get("runs", "a")["text"] == RUN["text"]
    with pytest.raises(ConfigError, match="can't be part of a path"):
        store.check("runs", "../a", RUN)
    with pytest.raises(StoreError, match="the kinds are runs, tasks"):
        store.check("run", "a", RUN)


def test_many_differences_are_cut_short(store):
    store.put("tasks", "a", {str(number): 1 for number in range(30)})
    with pytest.raises(NameTaken, match="and 20 more"):
        store.put("tasks", "a", {str(number): 2 for number in range(30)})


def test_an_unknown_name_shows_the_near_ones(store):
    store.put("runs", "mitochondria_1", {"a": 1})
    with pytest.raises(StoreError, match=r"no run 'mitochondria_2' is stored .* did you mean mitochondria_1\?"):
        store.get("runs", "mitochondria_2")
    with pytest.raises(StoreError, match="no run 'x' is stored"):
        store.delete("runs", "x")
    with pytest.raises(StoreError, match="the kinds are runs, tasks"):
        store.get("run", "x")


def test_names_are_sorted_and_deleted(store):
    for name in ("b", "a.1", "c"):
        store.put("arrays", name, {"x": 1})
    store.delete("arrays", "b")
    assert store.names("arrays") == ["a.1", "c"]
    assert store.names("runs") == []


def test_a_name_can_not_leave_the_store(store, tmp_path):
    for name in ("../a", "/etc/passwd", ".."):
        with pytest.raises(ConfigError, match="can't be part of a path"):
            store.put("runs", name, {"a": 1})
        with pytest.raises(ConfigError, match="can't be part of a path"):
            store.get("runs", name)
    assert list(tmp_path.iterdir()) == []


def put(root, number, results):
    try:
        FileConfigStore(root).put("runs", "a", {"number": number, "filling": list(range(500))})
        results.put(number)
    except NameTaken:
        results.put(None)


def test_of_several_processes_one_gets_the_name(tmp_path):
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    processes = [context.Process(target=put, args=(tmp_path, number, results)) for number in range(6)]
    for process in processes:
        process.start()
    stored = [number for number in (results.get(timeout=30) for _ in processes) if number is not None]
    for process in processes:
        process.join()
    assert [FileConfigStore(tmp_path).get("runs", "a")["number"]] == stored
