import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dalsegno.ops.stitching import joined_numbers, matching_segments

SEGMENTS = arrays(np.uint32, (4, 5), elements=st.integers(0, 4))


@given(SEGMENTS, SEGMENTS)
def test_segments_match_where_they_share_more_than_half_of_each(first, second):
    expected = [
        [a, b]
        for a in range(1, 5)
        for b in range(1, 5)
        if ((first == a) & (second == b)).sum() * 2 > max((first == a).sum(), (second == b).sum())
    ]
    found = matching_segments(first, second)
    assert found.tolist() == expected
    assert all(len(set(column)) == len(column) for column in found.T.tolist())


@given(SEGMENTS)
def test_a_segment_matches_itself(segments):
    present = np.setdiff1d(segments, 0)
    assert matching_segments(segments, segments).tolist() == [[number, number] for number in present]


@given(st.lists(st.integers(1, 9), max_size=8), st.data(), st.integers(0, 20))
def test_what_hangs_together_gets_one_number(sizes, data, min_size):
    position = st.integers(0, max(len(sizes) - 1, 0))
    pairs = data.draw(st.lists(st.tuples(position, position), max_size=6)) if sizes else []
    groups = [{fragment} for fragment in range(len(sizes))]
    for one, other in pairs:
        joined = groups[one] | groups[other]
        for fragment in joined:
            groups[fragment] = joined
    expected, numbers = [], {}
    for group in groups:
        large = sum(sizes[fragment] for fragment in group) >= min_size
        expected.append(numbers.setdefault(min(group), len(numbers) + 1) if large else 0)
    found = joined_numbers(np.array(sizes, np.int64), np.array(pairs, np.int64).reshape(-1, 2), min_size)
    assert found.tolist() == expected
