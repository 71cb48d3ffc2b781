"""The one place that imports gunpowder.

gunpowder 1.4.3, the newest that runs with zarr 3 on Python 3.11, imports names that zarr 3 dropped. They
are lent to it while it is imported, and taken away again. From gunpowder 1.5 on nothing is lent.
"""

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from importlib.metadata import version
from types import ModuleType

__all__ = ["gp"]

_OLD = tuple(map(int, version("gunpowder").split(".")[:2])) < (1, 5)


@contextmanager
def _zarr_2_names() -> Iterator[None]:
    import zarr
    from zarr.abc.store import Store

    package, module = ModuleType("zarr._storage"), ModuleType("zarr._storage.store")
    module.BaseStore = Store  # type: ignore[attr-defined]
    lent = {"N5Store": type("N5Store", (), {}), "N5FSStore": type("N5FSStore", (), {})}
    vars(zarr).update(lent)
    sys.modules |= {"zarr._storage": package, "zarr._storage.store": module}
    try:
        yield
    finally:
        for name in lent:
            delattr(zarr, name)
        del sys.modules["zarr._storage"], sys.modules["zarr._storage.store"]


with warnings.catch_warnings(), _zarr_2_names() if _OLD else nullcontext():
    # its dependencies use what their own dependencies have deprecated
    warnings.simplefilter("ignore", DeprecationWarning)
    import gunpowder as gp
