import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")


@pytest.fixture(scope="session")
def vnc():
    """The folder of the ssTEM volumes: raw.tif, mitochondria.tif, membranes.tif and others."""
    folder = Path(os.environ.get("VNC_DATA") or Path(__file__).parents[2] / "shared/data/vnc")
    if not (folder / "raw.tif").exists():
        pytest.skip(f"no ssTEM volumes in {folder}; set VNC_DATA to the folder that holds raw.tif")
    return folder
