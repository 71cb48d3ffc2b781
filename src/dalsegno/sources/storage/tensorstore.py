"""Where tensorstore may be used."""

import os
import sys

__all__ = ["tensorstore_works"]

_forked_from_a_user = False


def tensorstore_works() -> bool:
    """Return whether this process may use tensorstore.

    tensorstore ends a process that was forked from one that has used it, through this package or not.
    """
    return not _forked_from_a_user


def _after_fork() -> None:
    global _forked_from_a_user
    _forked_from_a_user |= "tensorstore" in sys.modules


if hasattr(os, "register_at_fork"):  # not on Windows, where nothing forks
    os.register_at_fork(after_in_child=_after_fork)
