"""Voxel-indexed handles on stored data that reopen in another process."""

import dalsegno.sources.handles
import dalsegno.sources.storage.tensorstore
import dalsegno.sources.tensorstore_source  # noqa: F401 - makes sources of tensorstore's open arrays
from dalsegno.sources.array_source import ArraySource
from dalsegno.sources.cloudvolume_source import CloudVolumeSource, open_cloudvolume
from dalsegno.sources.dispatch import SourceLike, as_source, from_spec, register_source, register_spec_kind
from dalsegno.sources.dvid_source import DVIDSource
from dalsegno.sources.file_source import FileSource, open_source
from dalsegno.sources.geometry import Geometry
from dalsegno.sources.source import Source, SourceSpec
from dalsegno.sources.webknossos_source import WebKnossosSource, open_webknossos

__all__ = [
    "ArraySource",
    "CloudVolumeSource",
    "DVIDSource",
    "FileSource",
    "Geometry",
    "Source",
    "SourceLike",
    "SourceSpec",
    "WebKnossosSource",
    "as_source",
    "from_spec",
    "open_cloudvolume",
    "open_source",
    "open_webknossos",
    "register_source",
    "register_spec_kind",
]
