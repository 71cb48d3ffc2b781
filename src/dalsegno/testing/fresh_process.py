"""What another process reads."""

import hashlib
import json
import os
import subprocess
import sys
from typing import Any

import numpy as np

__all__ = ["digest", "run_fresh"]


def digest(voxels: Any) -> list[Any]:
    """Return shape, dtype and a checksum of voxels, as plain values."""
    block = np.ascontiguousarray(voxels)
    return [list(np.shape(voxels)), block.dtype.str, hashlib.sha256(block.tobytes()).hexdigest()]


def run_fresh(code: str, argument: Any) -> Any:
    """Run code in a process that has imported nothing yet, in another folder.

    Parameters
    ----------
    code
        Finds `argument` under that name, and leaves its answer as `answer`.
    argument
        A plain value.

    Returns
    -------
    Any
        The answer, a plain value.
    """
    script = f"import json, sys\nargument = json.load(sys.stdin)\n{code}\nprint('\\n' + json.dumps(answer))"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        input=json.dumps(argument),
        capture_output=True,
        text=True,
        cwd=os.sep,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])
