"""Write what is measured where both programs find it: numpy files, and zarr version 2 arrays with funlib's attributes.

The reference reads them with zarr 2, ours with zarr 3. They are compressed as zarr 2 does it by itself.
"""

from pathlib import Path

import numcodecs
import numpy as np
import volumes
import zarr
from numpy.typing import NDArray


def write_inputs(folder: Path, parts: list[str]) -> None:
    """Write the volumes of the parts that are measured."""
    if "targets" in parts:
        pieces = np.where(volumes.instances(96, share=0.5) > 0, volumes.cells(96, 112), 0)
        np.save(folder / "crop.npy", pieces)
    if "validation" in parts or "sweep" in parts:
        labels = volumes.instances(128)
        _store(folder, "truth_128", labels)
        _store(folder, "binary_truth_128", (labels > 0)[None].astype(np.uint8))
        _store(folder, "distances_128", volumes.distance_prediction(labels))
        _store(folder, "affinities_128", volumes.affinity_prediction(labels))
        packed = volumes.cells(128, 190)
        _store(folder, "truth_cells_128", packed)
        _store(folder, "affinities_cells_128", volumes.affinity_prediction(packed))
    if "evaluators" in parts:
        for name, labels in (("blobs", volumes.instances(256)), ("cells", volumes.cells(256, 1500))):
            test = volumes.with_errors(labels)
            _store(folder, f"truth_{name}", labels)
            _store(folder, f"test_{name}", test)
            if name == "blobs":
                _store(folder, "binary_truth", (labels > 0).astype(np.uint8))
                _store(folder, "binary_test", (test > 0).astype(np.uint8))
                large = np.uint64(2**60)
                _store(folder, "truth_large_ids", np.where(labels > 0, labels + large, 0))
                _store(folder, "test_large_ids", np.where(test > 0, test + large, 0))
    if "memory" in parts:
        labels = (volumes.instances(256) > 0).astype(np.uint8)
        wrong = (volumes.with_errors(volumes.instances(256)) > 0).astype(np.uint8)
        _store(folder, "truth_1024", labels, repeat=4)
        _store(folder, "test_1024", wrong, repeat=4)


def _store(folder: Path, name: str, values: NDArray[np.generic], repeat: int = 1) -> None:
    spatial = tuple(length * repeat for length in values.shape[-3:])
    array = zarr.create_array(
        folder / "volumes.zarr" / name,
        shape=values.shape[:-3] + spatial,
        chunks=(1,) * (values.ndim - 3) + (64, 64, 64),
        dtype=values.dtype,
        zarr_format=2,
        compressors=numcodecs.Blosc(cname="lz4", clevel=5, shuffle=numcodecs.Blosc.SHUFFLE),
    )
    array.attrs.update(
        {
            "offset": [0, 0, 0],
            "voxel_size": list(volumes.VOXEL_SIZE),
            "axis_names": ["c^", "z", "y", "x"][-values.ndim :],
            "units": ["nm"] * 3,
        }
    )
    for corner in np.ndindex((repeat,) * 3):
        at = tuple(slice(c * n, (c + 1) * n) for c, n in zip(corner, values.shape[-3:], strict=True))
        array[(..., *at)] = values
