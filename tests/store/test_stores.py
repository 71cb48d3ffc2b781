import subprocess
import sys

import pytest

from dalsegno.errors import ConfigError, StoreError
from dalsegno.store.options import Options
from dalsegno.store.stores import open_stores


def test_the_stores_share_their_folder(tmp_path):
    stores = open_stores(Options(store=tmp_path / "store"))
    assert stores.root == tmp_path / "store"
    assert not stores.root.exists()
    stores.configs.put("runs", "r", {"a": 1})
    stores.stats.append_training("r", [{"iteration": 0}])
    assert sorted(path.name for path in stores.root.iterdir()) == ["configs", "runs"]
    assert str(stores.arrays.snapshot_container("r")).startswith(str(stores.root))
    assert stores.weights.latest("r") is None


def test_a_remote_store_is_refused():
    with pytest.raises(ConfigError, match="is no local folder"):
        open_stores(Options(store="memory://store"))


def test_a_file_is_no_store(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="check that the store is a folder"):
        open_stores(Options(store=tmp_path / "file")).configs.put("runs", "r", {})


def test_opening_loads_no_heavy_library():
    code = (
        "import sys, dalsegno.store.stores, dalsegno.store.run_lock; "
        "sys.exit(any(name in sys.modules for name in ('torch', 'zarr', 'numpy', 'pymongo', 'gunpowder')))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
