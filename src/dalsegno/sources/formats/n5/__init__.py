from dalsegno.sources.formats.n5.format import FORMAT

__all__ = ["FORMAT"]
