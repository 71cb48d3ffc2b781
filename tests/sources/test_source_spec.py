"""Specs hold plain values and go through text."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dalsegno.errors import DataError
from dalsegno.sources import SourceSpec

TEXTS = st.text(max_size=5)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)
SPECS = st.recursive(
    st.builds(SourceSpec, TEXTS, st.none() | TEXTS, st.none() | TEXTS, st.dictionaries(TEXTS, PLAIN, max_size=3)),
    lambda inner: st.builds(SourceSpec, TEXTS, wrapped=inner | st.lists(inner, max_size=3)),
    max_leaves=4,
)


@given(SPECS)
def test_a_spec_goes_through_json_and_pickle(spec):
    assert SourceSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec
    assert pickle.loads(pickle.dumps(spec)) == spec


def test_tuples_become_lists_so_that_specs_stay_equal():
    spec = SourceSpec("cutout", params={"offset": (1, 2, 3), "nested": {"size": ((4,),)}})
    assert spec.params == {"offset": [1, 2, 3], "nested": {"size": [[4]]}}


@pytest.mark.parametrize(
    "value", [np.float32(1), np.int64(1), np.zeros(2), slice(1), Path("/a"), abs, {1: 2}, [{"a": 1j}], b"a"]
)
def test_values_that_are_not_plain_are_refused_when_the_spec_is_made(value):
    with pytest.raises(ValueError, match=r"cutout given.*could not be told") as error:
        SourceSpec("cutout", params={"given": value})
    assert isinstance(error.value, DataError)


@pytest.mark.parametrize(
    "data", [{"kind": "file", "pathh": "/a"}, {"path": "/a"}, ["file"], {"kind": "a", "wrapped": 3}]
)
def test_what_is_no_spec_is_refused_with_the_keys_of_one(data):
    with pytest.raises(ValueError, match="keys of one are kind, path, internal_path, params, wrapped") as error:
        SourceSpec.from_dict(data)
    assert isinstance(error.value, DataError)
