import pytest
import zarr

from dalsegno.arrays.zarr_array import ZarrArrayConfig


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """Return a function that stores data with voxels of (8, 4, 4) nm at (80, 0, 0) and returns the array's config."""
    folder = tmp_path_factory.mktemp("stored")

    def store(data, **attributes):
        path = folder / f"{len(list(folder.iterdir()))}.zarr"
        axes = ["c"] * (data.ndim - 3) + ["z", "y", "x"]
        frame = {"axes": axes, "voxel_size": [8, 4, 4], "offset": [80, 0, 0], "units": "nm"}
        zarr.create_array(path, data=data, attributes=frame | attributes)
        return ZarrArrayConfig(file_name=path, dataset="")

    return store
