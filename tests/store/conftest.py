import subprocess
import sys

import pytest

CODE = """
import resource, sys
from pathlib import Path
from dalsegno.errors import StoreFull
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
folder = Path(sys.argv[1])
try:
    {statement}
except StoreFull as error:
    print(error)
    sys.exit(7)
"""


@pytest.fixture
def in_small_files(tmp_path):
    """Run a statement where no file may grow beyond 4096 bytes; return the message of the `StoreFull` it raises."""

    def run(statement):
        command = [sys.executable, "-c", CODE.format(statement=statement), tmp_path]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 7, done.stderr
        return done.stdout

    return run
