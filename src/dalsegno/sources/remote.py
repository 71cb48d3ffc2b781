"""Stored voxels by URL, through fsspec."""

__all__ = ["is_url"]


def is_url(path: str) -> bool:
    """Return whether a path is a URL: ``"s3://bucket/a.zarr"``."""
    return "://" in path
