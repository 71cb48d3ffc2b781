from dalsegno.sources.formats.zarr.format import FORMAT

__all__ = ["FORMAT"]
