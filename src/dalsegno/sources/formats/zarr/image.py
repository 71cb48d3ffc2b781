"""OME-Zarr images that are created: a group with the metadata, and the voxels in its array ``s0``."""

from collections.abc import Mapping
from typing import Any, Literal

from numpy.typing import DTypeLike

from dalsegno.errors import DataError
from dalsegno.sources.file_source import StoragePath
from dalsegno.sources.geometry import Geometry
from dalsegno.sources.ome_zarr.metadata import Level, multiscales_metadata
from dalsegno.sources.storage.remote import is_url

__all__ = ["LEVEL", "create_image"]

LEVEL = "s0"
"""Name of the array inside the group of the image."""


def create_image(  # noqa: PLR0913 - all that an image is
    container: StoragePath,
    dataset: str,
    *,
    shape: tuple[int, ...],
    dtype: DTypeLike,
    geometry: Geometry,
    chunks: tuple[int, ...],
    shards: tuple[int, ...] | None = None,
    attributes: Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> None:
    """Create an image of zeros: OME-Zarr 0.5 in zarr version 3, 0.4 in containers of version 2.

    The group becomes an image last: if creating it is interrupted, there is none.

    Parameters
    ----------
    container
        Path or URL of the container; made as version 3 where there is none.
    dataset
        Name of the image's group in the container; empty if it is the root.
    shape
        Voxels per axis, as in `geometry`.
    dtype
        Type of the voxels.
    geometry
        Names of the axes, voxel size, offset and units.
    chunks, shards
        Voxels per axis; shards are multiples of chunks. Version 2 has no shards, and leaves them out.
    attributes
        Further attributes of the array.
    overwrite
        Replace an image or array of this name. The rest of the container stays.

    Raises
    ------
    DataError
        If something is stored under the name and not to be replaced, or the geometry can't be written exactly.
    """
    import zarr

    options = dict(getattr(container, "storage_options", None) or {}) if is_url(str(container)) else None
    place, name = f"{container}/{dataset}".rstrip("/"), f"{dataset}/{LEVEL}".lstrip("/")
    metadata = {version: _metadata(version, geometry, place) for version in ("0.4", "0.5")}
    try:
        root = zarr.open_group(str(container), mode="a", storage_options=options or None)
    except zarr.errors.ContainsArrayError as error:
        raise DataError(f"{container} is a zarr array, so it holds no image {dataset!r}; name a container") from error
    _make_room(root, dataset, overwrite=overwrite, place=place)
    newest = root.metadata.zarr_format == 3
    more: dict[str, Any] = {"shards": shards, "dimension_names": geometry.axes} if newest else {}
    root.create_array(
        name,
        shape=shape,
        dtype=dtype,
        chunks=chunks,
        attributes=dict(attributes or {}),
        chunk_key_encoding={"name": "default" if newest else "v2", "separator": "/"},
        **more,
    )
    group = root[dataset] if dataset else root
    group.attrs.update(metadata["0.5" if newest else "0.4"])


def _metadata(version: Literal["0.4", "0.5"], geometry: Geometry, place: str) -> dict[str, Any]:
    return multiscales_metadata([Level(LEVEL, geometry)], name=place.rpartition("/")[2], version=version)


def _make_room(root: Any, dataset: str, *, overwrite: bool, place: str) -> None:
    """Take away the image or array that is to be replaced; what else a group holds stays."""
    above = dataset.split("/")[:-1]
    for parent in ("/".join(above[:end]) for end in range(1, len(above) + 1)):
        if hasattr(root.get(parent), "shape"):
            raise DataError(f"{place} lies inside the array {parent!r}; choose another name")
    found = root.get(dataset) if dataset else root
    if found is None:
        return
    is_array = hasattr(found, "shape")
    arrays = [dataset] if is_array else [f"{dataset}/{level}".lstrip("/") for level in _levels(dict(found.attrs))]
    arrays = [name for name in arrays if name in root]
    if arrays and not overwrite:
        raise DataError(f"{place} exists already; remove it, choose another name, or pass overwrite=True")
    if not is_array and arrays:
        # the group is no image any more before its voxels go
        found.attrs.put({name: value for name, value in found.attrs.items() if name not in _DESCRIPTIONS})
    for name in arrays:
        del root[name]


_DESCRIPTIONS = ("ome", "multiscales", "omero")


def _levels(attributes: Mapping[str, Any]) -> set[str]:
    described = (attributes.get("ome") or attributes).get("multiscales", [])
    return {LEVEL, *(level["path"] for entry in described for level in entry.get("datasets", []))}
