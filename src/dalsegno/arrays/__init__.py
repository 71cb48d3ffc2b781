"""Voxels in world units: axes, voxel size, units and region, and lazy views on them."""

from dalsegno.arrays import array_voxels as array_voxels
