import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dalsegno.store.records import append_records, read_records, records_from_the_end


def test_records_come_back_in_their_order(tmp_path):
    path = tmp_path / "runs" / "r.jsonl"
    assert read_records(path) == []
    append_records(path, [{"a": 1}, {"a": [1.5, "é"]}])
    append_records(path, [{"a": np.float32(0.5)}])
    assert read_records(path) == [{"a": 1}, {"a": [1.5, "é"]}, {"a": 0.5}]
    assert list(records_from_the_end(path)) == read_records(path)[::-1]


def test_numbers_that_are_not_finite_survive(tmp_path):
    append_records(tmp_path / "r", [{"a": math.nan, "b": math.inf, "c": -math.inf}])
    (record,) = read_records(tmp_path / "r")
    assert math.isnan(record["a"])
    assert (record["b"], record["c"]) == (math.inf, -math.inf)


def test_what_is_no_value_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(TypeError, match="not object"):
        append_records(tmp_path / "r", [{"a": 1}, {"a": object()}])
    assert not (tmp_path / "r").exists()


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 30)), max_size=6))
def test_records_survive_torn_writes(tmp_path_factory, appends):
    path = tmp_path_factory.mktemp("torn") / "r"
    expected = []
    for number, (count, torn) in enumerate(appends):
        records = [{"number": number, "of": index} for index in range(count)]
        append_records(path, records)
        last = len(path.read_bytes().splitlines(keepends=True)[-1])
        if 1 < torn < last:
            with path.open("rb+") as file:
                file.truncate(path.stat().st_size - torn)
            records = records[:-1]
        expected += records
    assert read_records(path) == expected
    assert list(records_from_the_end(path)) == expected[::-1]


def test_lines_of_others_are_passed_over(tmp_path):
    (tmp_path / "r").write_bytes(b'{"a": 1}\n3\n\xff\xfe\n\n{"a": 2}\n{"a":')
    assert read_records(tmp_path / "r") == [{"a": 1}, {"a": 2}]


def test_reading_from_the_end_crosses_blocks(tmp_path):
    records = [{"number": number, "text": "x" * (number % 977)} for number in range(500)]
    append_records(tmp_path / "r", records)
    assert list(records_from_the_end(tmp_path / "r")) == records[::-1]
    append_records(tmp_path / "long", [{"a": "x" * 200_000}, {"a": 1}])
    assert [len(str(record["a"])) for record in records_from_the_end(tmp_path / "long")] == [1, 200_000]


def test_an_append_that_does_not_fit_leaves_the_file_as_it_was(tmp_path, in_small_files):
    append_records(tmp_path / "r", [{"a": 1}])
    before = (tmp_path / "r").read_bytes()
    in_small_files(
        "from dalsegno.store.records import append_records; append_records(folder / 'r', [{'a': 'x' * 9999}])",
    )
    assert (tmp_path / "r").read_bytes() == before
