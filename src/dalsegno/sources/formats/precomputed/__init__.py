from dalsegno.sources.formats.precomputed.format import FORMAT

__all__ = ["FORMAT"]
