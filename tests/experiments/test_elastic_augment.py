"""Settings of the deformation that do not fit the data."""

import numpy as np
import pytest
import tifffile

from dalsegno.arrays.file_array import FileArrayConfig
from dalsegno.errors import DataError
from dalsegno.experiments.datasets.raw_gt_dataset import RawGTDataset, RawGTDatasetConfig
from dalsegno.experiments.trainers._gunpowder import gp
from dalsegno.experiments.trainers.augments.elastic_augment import ElasticAugmentConfig
from dalsegno.experiments.trainers.gunpowder_pipeline import GT, RAW, build_pipeline, request_batch


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("sigma", [0, 2])
def test_settings_of_other_dimensions_than_the_data_name_both(tmp_path, count, sigma):
    tifffile.imwrite(tmp_path / "image.tif", np.zeros((24, 24), np.uint8))
    image = FileArrayConfig(file_name=tmp_path / "image.tif", voxel_size=(1, 1), units="nm", axes=("y", "x"))
    augment = ElasticAugmentConfig(
        control_point_spacing=[8] * count,
        control_point_displacement_sigma=[sigma] * count,
        rotation_interval=(0, 1),
    )
    pipeline = build_pipeline(
        RawGTDataset(RawGTDatasetConfig(name="image", raw_config=image, gt_config=image)), (augment,)
    )
    request = gp.BatchRequest(random_seed=1)
    request.add(RAW, (8, 8))
    request.add(GT, (8, 8))
    with pytest.raises(DataError, match=f"control_point_spacing has {count} numbers, the data 2 spatial axes"):
        request_batch(pipeline, request)
