"""Workers and threads never exceed the cores."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from dalsegno.compute.threads import available_cores, limit_threads, share_cores


@given(wanted=st.integers(0, 200), cores=st.integers(1, 128))
def test_workers_and_threads_together_never_exceed_the_cores(wanted, cores):
    share = share_cores(wanted, cores)
    assert share.threads >= 1
    assert 0 <= share.workers <= wanted
    assert share.workers + share.threads == cores


def test_threads_are_put_back():
    before = torch.get_num_threads()
    with limit_threads(1):
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before


def test_there_is_a_core():
    assert available_cores() >= 1
