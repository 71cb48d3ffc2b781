"""The metadata of OME-Zarr images."""
