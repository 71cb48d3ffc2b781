from dalsegno.sources.formats.tiff.codec import check_codec
from dalsegno.sources.formats.tiff.format import FORMAT

__all__ = ["FORMAT", "check_codec"]
