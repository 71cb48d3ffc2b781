"""What an image that is created may take the place of."""

from pathlib import Path
from typing import Any

from dalsegno.errors import DataError
from dalsegno.sources.formats.zarr.hierarchy import Hierarchy, Node, joined

__all__ = ["LEVEL", "can_be_name", "make_room"]

LEVEL = "s0"
"""Name of the array inside the group of the image."""

_DESCRIPTIONS = ("ome", "multiscales", "omero")
_DOCUMENTS = ("zarr.json", ".zarray", ".zgroup", ".zattrs", ".zmetadata")


def can_be_name(name: str) -> bool:
    """Return whether a group or an array can have the name."""
    return name not in ("", ".", "..", *_DOCUMENTS) and not name.startswith("__") and "\\" not in name


def make_room(hierarchy: Hierarchy, image: str, *, overwrite: bool) -> int:
    """Take away the image or array that is to be replaced; what else a group holds stays.

    Parameters
    ----------
    hierarchy
        The container; need not exist.
    image
        Path of the image's group.
    overwrite
        Whether anything may be taken away.

    Returns
    -------
    int
        Zarr version of what is around the image; 3 if nothing is.

    Raises
    ------
    DataError
        If there is something that is not to be replaced, or is no image or array.
    """
    place = f"{hierarchy.root}/{image}".rstrip("/")
    zarr_format = 3
    for above in _above(image):
        node = hierarchy.node(above)
        if node is not None and node.document is not None:
            array = f"{hierarchy.root}/{above}".rstrip("/")
            raise DataError(f"{place} lies inside the array {array}; name another container, or choose another name")
        zarr_format = zarr_format if node is None else node.zarr_format
    found = hierarchy.node(image)
    arrays = _arrays(hierarchy, image, found)
    described = found is not None and any(name in (found.attributes or {}) for name in _DESCRIPTIONS)
    if (arrays or described) and not overwrite:
        raise DataError(f"{place} exists already; remove it, choose another name, or pass overwrite=True")
    if described:
        _undescribe(hierarchy.store("r+"), image)  # the group is no image any more before its voxels go
    for array in arrays:
        _remove(hierarchy.store("r+"), array)
    if overwrite and not hierarchy.remote:
        _clear(Path(hierarchy.root, image, LEVEL))
    return zarr_format if found is None or found.document is not None else found.zarr_format


def _above(path: str) -> list[str]:
    """Return the paths of the groups around a path, the root first."""
    parts = path.split("/") if path else []
    return ["/".join(parts[:end]) for end in range(len(parts))]


def _arrays(hierarchy: Hierarchy, image: str, found: Node | None) -> list[str]:
    """Return the arrays that are there: one of the image's own name, or those of its levels."""
    if found is not None and found.document is not None:
        return [image]
    place = f"{hierarchy.root}/{image}".rstrip("/")
    levels = [joined(image, level) for level in {*_levels(found, place), LEVEL}]
    nodes = {level: node for level in levels if (node := hierarchy.node(level)) is not None}
    for level, node in nodes.items():
        if node.document is None:
            raise DataError(
                f"{place} can't become an image: {hierarchy.root}/{level}, where it has voxels, is a group; remove "
                "that, or choose another name"
            )
    return sorted(nodes)


def _levels(group: Node | None, place: str) -> list[str]:
    """Return the paths of an image's levels inside its group."""
    attributes: Any = {} if group is None else group.attributes or {}
    try:
        described = (attributes.get("ome") or attributes).get("multiscales", [])
        levels = [level["path"] for entry in described for level in entry["datasets"]]
        if all(can_be_name(name) for level in levels for name in level.split("/")):
            return levels
    except (AttributeError, KeyError, TypeError):
        pass
    raise DataError(
        f"{place} can't be replaced: its metadata {'ome' if 'ome' in attributes else 'multiscales'} is damaged and "
        "doesn't say which arrays are the image's; remove the group, or choose another name"
    )


def _undescribe(store: Any, image: str) -> None:
    import zarr

    group = zarr.open_group(store, path=image, mode="r+", use_consolidated=False)
    group.attrs.put({name: value for name, value in group.attrs.items() if name not in _DESCRIPTIONS})


def _remove(store: Any, array: str) -> None:
    from zarr.core.sync import sync

    sync(store.delete_dir(array))


def _clear(folder: Path) -> None:
    """Take away what an interrupted creation has left: an empty folder, or one with unfinished files."""
    if not folder.is_dir():
        return
    for file in folder.glob("*.partial"):
        file.unlink()
    try:
        folder.rmdir()
    except OSError as error:
        raise DataError(f"{folder} holds files, but is no array; remove it, or choose another name") from error
