"""Images that are created in a bucket."""

from decimal import Decimal

import numpy as np
import pytest
import zarr
from upath import UPath

from dalsegno.errors import DataError
from dalsegno.sources import Geometry, open_source
from dalsegno.sources.formats.zarr.image import create_image

GEOMETRY = Geometry(("y", "x"), (Decimal(8), Decimal(4)), (Decimal(-8), Decimal(40)), "nm")


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_an_image_is_created_and_replaced_in_a_bucket(s3_bucket, zarr_format):
    url, options = s3_bucket
    zarr.open_group(f"{url}/a.zarr", mode="w", zarr_format=zarr_format, storage_options=options)
    container = UPath(f"{url}/a.zarr", **options)

    def create(name, **more):
        create_image(container, name, shape=(4, 6), dtype=np.uint16, geometry=GEOMETRY, chunks=(2, 6), **more)
        return open_source(container, name, mode="r+")

    image = create("volumes/raw")
    image[:] = 7
    assert (image.metadata.voxel_size, image.metadata.offset) == ((8, 4), (-8, 40))
    with pytest.raises(DataError, match="overwrite=True"):
        create("volumes/raw")
    with pytest.raises(DataError, match="lies inside the array"):
        create("volumes/raw/s0/deeper")
    assert (image[:] == 7).all()
    assert not create("volumes/raw", overwrite=True)[:].any()
