"""tensorstore ends processes that were forked from one that has used it, so those read without it."""

import zarr

from dalsegno.testing.fresh_process import run_fresh

FORK = """
import os, sys
import tensorstore
import dalsegno.sources


def use():
    spec = {"driver": "zarr3", "kvstore": {"driver": "file", "path": argument}}
    tensorstore.open(spec).result().read().result()


def fork(work):
    child = os.fork()
    if child == 0:
        os._exit(work())
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def read():
    return int(dalsegno.sources.open_source(argument)[:].sum())


use()
answer = [fork(read), fork(lambda: fork(read))]
"""


def test_a_forked_process_reads_where_its_parent_has_used_tensorstore_itself(tmp_path):
    zarr.create_array(tmp_path / "a.zarr", shape=(8, 8), chunks=(4, 4), dtype="u1")[:] = 1
    assert run_fresh(FORK, str(tmp_path / "a.zarr")) == [64, 64]
