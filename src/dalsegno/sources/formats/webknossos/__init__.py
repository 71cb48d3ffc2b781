from dalsegno.sources.formats.webknossos.format import FORMAT

__all__ = ["FORMAT"]
