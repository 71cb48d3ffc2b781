"""Voxel-indexed handles on stored data that reopen in another process."""

from dalsegno.sources.array_source import ArraySource
from dalsegno.sources.dispatch import SourceLike, as_source, from_spec, register_source, register_spec_kind
from dalsegno.sources.file_source import FileSource, open_source
from dalsegno.sources.geometry import Geometry
from dalsegno.sources.source import Source, SourceSpec

__all__ = [
    "ArraySource",
    "FileSource",
    "Geometry",
    "Source",
    "SourceLike",
    "SourceSpec",
    "as_source",
    "from_spec",
    "open_source",
    "register_source",
    "register_spec_kind",
]
