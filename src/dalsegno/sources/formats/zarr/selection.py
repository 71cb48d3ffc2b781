"""Which array of a zarr hierarchy is meant, and where it lies: by path, or by level of an image."""

from attrs import frozen

from dalsegno.errors import DataError
from dalsegno.sources.attributes import geometry_from_attributes
from dalsegno.sources.errors import ArrayMissing, FileMissing, SourceError
from dalsegno.sources.formats.zarr.hierarchy import Hierarchy, Node, joined
from dalsegno.sources.geometry import Geometry
from dalsegno.sources.ome_zarr.multiscale_image import (
    MultiscaleImage,
    PixelConvention,
    multiscale_image,
    multiscale_images,
)
from dalsegno.sources.storage.remote import reaching

__all__ = ["Selection"]


@frozen
class Selection:
    """What is looked for in a hierarchy.

    Attributes
    ----------
    level
        Number of the level of an image, the finest is 0.
    image
        Name of the image where a group describes several.
    pixel_convention
        What the image's translations are places of.
    """

    hierarchy: Hierarchy
    level: int | None = None
    image: str | None = None
    pixel_convention: PixelConvention = "centre"

    def find(self, internal_path: str) -> tuple[Node, Geometry]:
        """Return the array and what is known of its geometry.

        Raises
        ------
        FileMissing
            If there is no zarr container; a `FileNotFoundError`.
        ArrayMissing
            If it has no such array, image or level; a `KeyError`.
        SourceError
            If the path names a group that is no image; a `ValueError` that names its members.
        DataError
            If metadata is damaged.
        """
        path = joined(self.hierarchy.prefix, internal_path)
        node = self.hierarchy.node(path)
        if node is None:
            raise self._missing(path)
        if node.document is not None:
            return self._array(node)
        image = self._image(node)
        if image is None and (node.attributes or {}).get("bioformats2raw.layout") is not None:
            return self.find(joined(internal_path, self._only_series(node)))
        if image is None:
            raise self._no_image(node)
        return self._level(node, image)

    def _where(self, path: str) -> str:
        return f"{self.hierarchy.root}/{path}".rstrip("/")

    def _image(self, node: Node) -> MultiscaleImage | None:
        return multiscale_image(node.attributes or {}, self.image, where=self._where(node.path))

    def _level(self, group: Node, image: MultiscaleImage) -> tuple[Node, Geometry]:
        level = self.level or 0
        if not 0 <= level < len(image.paths):
            raise ArrayMissing(
                f"{self._where(group.path)} has no level {level}; it has {len(image.paths)}: {', '.join(image.paths)}"
            )
        node = self.hierarchy.node(joined(group.path, image.paths[level]), group.zarr_format)
        if node is None or node.document is None:
            raise DataError(
                f"{self._where(group.path)}: its metadata names the level {image.paths[level]!r}, but no array is "
                "there; correct the metadata, or choose another level"
            )
        return node, image.geometry(level, node.ndim, self.pixel_convention)

    def _array(self, node: Node) -> tuple[Node, Geometry]:
        where = self._where(node.path)
        if self.level is not None or self.image is not None:
            raise SourceError(f"{where} is one array; level and image choose from the group of an image: name that")
        image, level = self._image_around(node)
        if image is not None:
            return node, image.geometry(level, node.ndim, self.pixel_convention)
        attributes = self.hierarchy.attributes(node.path, 2) if node.attributes is None else node.attributes
        names = (node.document or {}).get("dimension_names")
        names = names if isinstance(names, list) else None
        return Node(node.path, node.zarr_format, node.document, attributes), geometry_from_attributes(
            attributes, node.ndim, dimension_names=names, what=where
        )

    def _image_around(self, node: Node) -> tuple[MultiscaleImage | None, int]:
        """Return the image that the array is a level of, and which; it is described in one of the groups around."""
        for place, inside, attributes in self.hierarchy.groups_around(node, steps=2):
            for image in multiscale_images(attributes, where=place):
                paths = [joined(path) for path in image.paths]
                if inside in paths:
                    return image, paths.index(inside)
        return None, 0

    def _only_series(self, root: Node) -> str:
        """Return the path of the one image that bioformats2raw wrote."""
        series = self.hierarchy.attributes(joined(root.path, "OME"), root.zarr_format).get("series")
        if isinstance(series, list) and len(series) == 1:
            return str(series[0])
        if not isinstance(series, list) and self.hierarchy.node(joined(root.path, "1")) is None:
            return "0"
        shown = ", ".join(map(str, series)) if isinstance(series, list) else self._members(root.path)
        raise SourceError(
            f"{self._where(root.path)} holds several images; name one as internal_path (dataset): {shown}"
        )

    def _no_image(self, group: Node) -> SourceError:
        where, members = self._where(group.path), self._members(group.path)
        if self.level is not None or self.image is not None:
            return SourceError(f"{where} is a group, but no image with levels; name one as internal_path: {members}")
        return SourceError(f"{where} holds several arrays; name one as internal_path (dataset): {members}")

    def _missing(self, path: str) -> DataError:
        root = self.hierarchy.node("") if path else None
        if root is None and self.hierarchy.refused is not None:
            with reaching(self.hierarchy.root):
                raise self.hierarchy.refused
        if root is None:
            return FileMissing(
                f"{self.hierarchy.root} is no zarr container: it holds neither zarr.json nor .zgroup nor .zarray"
            )
        members = self._members("") if root.document is None else "one array only, at its root"
        return ArrayMissing(f"no array {path!r} in {self.hierarchy.root}; it holds {members}")

    def _members(self, path: str) -> str:
        import zarr

        try:
            group = zarr.open_group(self.hierarchy.store("r"), path=path, mode="r")
            return ", ".join(sorted(name for name, _ in group.members())) or "nothing"
        except Exception:  # noqa: BLE001 - only the end of a message: many servers list nothing
            return "names that can't be listed here"
