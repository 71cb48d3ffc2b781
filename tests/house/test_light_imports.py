"""Commands that only look at a store do not load the heavy libraries."""

import json
import os
import subprocess
import sys

import pytest

HEAVY = {"torch", "gunpowder", "daisy", "pymongo", "zarr", "tensorstore", "matplotlib", "scipy"}


def loaded_by(code, folder):
    """Run code in a fresh process; return the heavy libraries that it loaded."""
    report = f"{code}\nimport json, sys\nprint('\\n' + json.dumps(sorted({HEAVY!r} & set(sys.modules))))"
    environment = {**os.environ, "DALSEGNO_STORE": str(folder / "store")}
    done = subprocess.run(
        [sys.executable, "-c", report], cwd=folder, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("arguments", [["--help"], ["runs"], ["compare", "a", "b"], ["run", "--help"]], ids=" ".join)
def test_light_commands(tmp_path, arguments):
    code = f"""
import sys
from dalsegno.cli import main
sys.argv = ["dalsegno", *{arguments!r}]
try:
    main()
except SystemExit:
    pass
"""
    assert loaded_by(code, tmp_path) == []


@pytest.mark.parametrize(
    "module",
    [
        "dalsegno",
        "dalsegno.components",
        "dalsegno.config",
        "dalsegno.sources",
        "dalsegno.store.conversion_hooks",
        "dalsegno.store.stores",
        "dalsegno.view.curves",
        "dalsegno.view.overlay",
        "dalsegno.view.tables",
    ],
)
def test_light_modules(tmp_path, module):
    assert loaded_by(f"import {module}", tmp_path) == []
