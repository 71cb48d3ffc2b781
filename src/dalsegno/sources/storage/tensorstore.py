"""Where tensorstore may be used."""

import os
from functools import cache

__all__ = ["tensorstore_works"]


def tensorstore_works() -> bool:
    """Return whether this process may use tensorstore, and note that it does.

    tensorstore ends a process that was forked from one that has used it.
    """
    return _first_process() == os.getpid()


@cache
def _first_process() -> int:
    return os.getpid()
