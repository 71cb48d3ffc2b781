"""OME-Zarr images that are created: a group with the metadata, and the voxels in its array ``s0``."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from numpy.typing import DTypeLike

from dalsegno.errors import DataError
from dalsegno.sources.file_source import StoragePath
from dalsegno.sources.formats.zarr.hierarchy import Hierarchy, joined
from dalsegno.sources.formats.zarr.replacement import LEVEL, can_be_name, make_room
from dalsegno.sources.geometry import Geometry
from dalsegno.sources.ome_zarr.metadata import Level, multiscales_metadata
from dalsegno.sources.storage.remote import is_url, reaching

__all__ = ["create_image", "remove_image"]


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
        Replace the image of this name with all its levels, or an array of this name or at the place of its level. The
        rest of the group and of the container stays.

    Raises
    ------
    DataError
        If something is stored under the name and not to be replaced, another process creates the same image, the name
        or the container can't be one, or the geometry can't be written exactly. Of several processes that create the
        same image in a local container, one succeeds.
    """
    hierarchy, image = _image(container, dataset)
    place = f"{hierarchy.root}/{image}".rstrip("/")
    if not all(map(can_be_name, image.split("/") if image else ())):
        raise DataError(f"{image!r} can't be the name of an image in {hierarchy.root}; name it as 'volumes/raw'")
    metadata = {version: _metadata(version, geometry, place) for version in ("0.4", "0.5")}
    with reaching(place) if hierarchy.remote else _writing(hierarchy.root):
        zarr_format = make_room(hierarchy, image, overwrite=overwrite)
        _claim(hierarchy, image)
        _create_level(
            hierarchy.store("r+"),
            joined(image, LEVEL),
            zarr_format,
            shape=shape,
            dtype=dtype,
            chunks=chunks,
            attributes=dict(attributes or {}),
            **({"shards": shards, "dimension_names": geometry.axes} if zarr_format == 3 else {}),
        )
        _describe(hierarchy.store("r+"), image, metadata["0.5" if zarr_format == 3 else "0.4"])


def remove_image(container: StoragePath, dataset: str) -> None:
    """Remove an image with all its levels, or an array of this name; the rest of the group and container stays.

    Raises
    ------
    DataError
        If it can't be removed.
    """
    hierarchy, image = _image(container, dataset)
    with reaching(hierarchy.root) if hierarchy.remote else _writing(hierarchy.root):
        make_room(hierarchy, image, overwrite=True)


def _image(container: StoragePath, dataset: str) -> tuple[Hierarchy, str]:
    """Return the hierarchy that a path leads into, and the path of an image inside."""
    options = dict(getattr(container, "storage_options", None) or {}) if is_url(str(container)) else None
    hierarchy = Hierarchy(str(container), options)
    return hierarchy, joined(hierarchy.prefix, dataset)


def _metadata(version: Literal["0.4", "0.5"], geometry: Geometry, place: str) -> dict[str, Any]:
    return multiscales_metadata([Level(LEVEL, geometry)], name=place.rpartition("/")[2], version=version)


def _claim(hierarchy: Hierarchy, image: str) -> None:
    """Make the folder of the level, which one process alone can do."""
    if hierarchy.remote:
        return
    folder = Path(hierarchy.root, image, LEVEL)
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        if not folder.is_dir():
            raise
        raise DataError(
            f"{folder} exists already, but is no array: another process is creating this image, or has not completed "
            "it; wait, choose another name, or pass overwrite=True"
        ) from None


def _create_level(store: Any, name: str, zarr_format: Any, **options: Any) -> None:
    """Create the array and the groups around it, of which those that are there stay as they are."""
    import zarr
    from numcodecs import Zstd
    from zarr.codecs import ZstdCodec

    newest = zarr_format == 3
    zarr.create_array(
        store,
        name=name,
        zarr_format=zarr_format,
        chunk_key_encoding={"name": "default" if newest else "v2", "separator": "/"},
        compressors=ZstdCodec(level=0) if newest else Zstd(level=0),
        **options,
    )


def _describe(store: Any, image: str, metadata: Mapping[str, Any]) -> None:
    import zarr

    group = zarr.open_group(store, path=image, mode="r+", use_consolidated=False)
    group.attrs.update(metadata)


@contextmanager
def _writing(container: str) -> Iterator[None]:
    """Turn what a path that can't be a container raises into an error that says so; a full disk stays what it is."""
    try:
        yield
    except (FileExistsError, NotADirectoryError) as error:
        raise DataError(
            f"the zarr container {container} can't hold {error.filename}: a file is where a folder is needed; name a "
            "folder"
        ) from error
    except (FileNotFoundError, PermissionError) as error:
        raise DataError(
            f"the zarr container {container} can't be written: {error.strerror}: {error.filename}; name a folder that "
            "you may write"
        ) from error
