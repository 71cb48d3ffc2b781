"""What the readers of pages keep, all together."""

import os
import threading
import tracemalloc

import numpy as np
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from dalsegno.sources import open_source
from dalsegno.sources.pages import keeping, page_reader

MIB = 2**20


def counted(pages):
    """Return what reads a page of `pages`, and the list of those that it was asked for."""
    asked = []

    def read(number):
        asked.append(number)
        return pages[number]

    return read, asked


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_a_box_of_pages_is_that_of_the_whole(data):
    whole = np.arange(3 * 4 * 5 * 6).reshape(3, 4, 5, 6)
    read, asked = counted(whole.reshape(12, 5, 6))
    bounds = [data.draw(st.tuples(st.integers(0, n - 1), st.integers(1, n))) for n in whole.shape]
    box = tuple(slice(first, max(first + 1, stop)) for first, stop in bounds)
    np.testing.assert_array_equal(page_reader((3, 4), read)(box), whole[box])
    assert sorted(asked) == np.arange(12).reshape(3, 4)[box[:2]].ravel().tolist()


def test_pages_that_were_read_are_kept():
    read, asked = counted(np.zeros((4, 8)))
    kept = keeping(read)
    for number in (0, 1, 0, 1, 2, 0):
        kept(number)
    assert asked == [0, 1, 2]


def test_all_readers_keep_so_much_together_and_the_last_pages_stay():
    pages = np.zeros((80, 4 * MIB), np.uint8)  # the system gives no memory for zeros that nobody writes
    (read_1, asked_1), (read_2, asked_2) = counted(pages), counted(pages)
    kept_1, kept_2 = keeping(read_1), keeping(read_2)
    for number in range(40):
        kept_1(number)
        kept_2(number)
    kept_1(39), kept_2(39), kept_1(10), kept_2(10)
    assert (len(asked_1), len(asked_2)) == (40, 40)  # 64 pages of 4 MiB are kept: the last 30 of each are among them
    kept_1(0), kept_2(0)
    assert (len(asked_1), len(asked_2)) == (41, 41)


def test_a_page_larger_than_what_is_kept_is_kept_alone():
    read, asked = counted(np.zeros((2, 300 * MIB), np.uint8))
    kept = keeping(read)
    kept(0), kept(0), kept(1), kept(1), kept(0)
    assert asked == [0, 1, 0]


def test_closing_sources_frees_what_they_kept(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((40, 1000, 1000), np.uint8), compression="zlib")
    tracemalloc.start()
    for _ in range(3):
        with open_source(tmp_path / "a.tif") as source:
            source[:, 0, 0]
            held = tracemalloc.get_traced_memory()[0]
            assert 39 * 10**6 < held < 45 * 10**6
        assert tracemalloc.get_traced_memory()[0] < 5 * 10**6
    tracemalloc.stop()


def test_threads_and_forked_processes_read_while_others_do(tmp_path):
    image = np.random.default_rng(0).integers(0, 255, (20, 60, 70)).astype(np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", image, compression="zlib")
    source, done = open_source(tmp_path / "a.tif"), threading.Event()

    def keep_reading():
        while not done.is_set():
            assert (source[3:9, 5] == image[3:9, 5]).all()

    threads = [threading.Thread(target=keep_reading) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(5):
        child = os.fork()
        if child == 0:
            os._exit(0 if (source[:] == image).all() else 3)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    done.set()
    for thread in threads:
        thread.join()
