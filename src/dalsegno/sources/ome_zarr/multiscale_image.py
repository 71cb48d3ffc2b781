"""OME-Zarr's multiscales metadata: from the attributes of an image group to the geometry of a level.

https://ngff.openmicroscopy.org. The standard leaves open whether a translation is the place of the first voxel's centre
or of its corner. Pyramids are made by means of blocks, and their translations then fit centres: so by default
``corner = translation - scale / 2 + finest scale / 2``, which is the same corner for all levels.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import zip_longest
from typing import Any, Literal

from attrs import frozen

from dalsegno.errors import DataError
from dalsegno.sources.errors import ArrayMissing
from dalsegno.sources.geometry import NOT_SPATIAL, Geometry, axis_name, exact_decimal, in_one_unit
from dalsegno.sources.ome_zarr.transformations import Placement, placement

__all__ = ["MultiscaleImage", "PixelConvention", "multiscale_image", "multiscale_images"]

PixelConvention = Literal["centre", "corner"]
"""What of the first voxel a translation tells the place of."""

_COSEM = "COSEM attributes"
_COSEM_NAMES = (("scale", "scale"), ("translation", "translate"))


@frozen
class MultiscaleImage:
    """An image in several resolutions, as the attributes of its group describe it.

    Attributes
    ----------
    name
        Name of the image, where it has one.
    paths
        Paths of the levels inside the group, the finest first.
    """

    where: str
    name: object
    version: str
    paths: tuple[str, ...]
    axes: tuple[Mapping[str, Any], ...]
    channels: tuple[str, ...] | None
    _entry: Mapping[str, Any]

    def geometry(self, level: int, ndim: int, pixel_convention: PixelConvention = "centre") -> Geometry:
        """Return the geometry of a level.

        Parameters
        ----------
        level
            Number of the level, 0 for the finest.
        ndim
            Number of axes of its array.
        pixel_convention
            Whether translations are places of centres or corners. Where no level has one, corners are.

        Raises
        ------
        DataError
            If the metadata is incomplete, contradicts the array, or has transformations that are more than scales
            and translations.
        """
        names = tuple(axis_name(axis["name"], axis.get("type")) for axis in self.axes)
        if len(names) != ndim:
            raise DataError(
                f"{self.where}: the metadata names {len(names)} axes {list(names)}, but the array "
                f"{self.paths[level]!r} has {ndim}; correct the axes in the metadata"
            )
        convention = self.version if self.version == _COSEM else f"OME-Zarr {self.version}"
        placements = [self._placement(number, ndim) for number in range(len(self.paths))]
        own, finest = placements[level], placements[0]
        if own is None or finest is None:  # before version 0.4
            return Geometry(axes=names, channels=self.channels, convention=convention)
        centred = pixel_convention == "centre" and any(one.translated for one in placements if one)
        spatial = [axis for axis, name in enumerate(names) if name not in NOT_SPATIAL]
        if min((own.scale[axis] for axis in spatial), default=1) <= 0:
            raise DataError(f"{self.where}: the scale of {self.paths[level]!r} is not above 0; correct the metadata")
        numbers = [
            number
            for one in (own, *(other for other in placements if other is not None))
            for number in _size_and_corner(one, finest if centred else one, spatial)
        ]
        units, (size, offset, *others) = in_one_unit(
            [self.axes[axis].get("unit") for axis in spatial], numbers, what=self.where
        )
        channels = self.channels if "c" in names else None
        return Geometry(names, size, offset, units, channels, convention, sum(filter(None, others), ()))

    def _placement(self, level: int, ndim: int) -> Placement | None:
        dataset = self._entry["datasets"][level]
        where = f"{self.where}: level {self.paths[level]!r}"
        transformations = dataset.get("coordinateTransformations")
        if transformations is None and self.version in ("0.1", "0.2", "0.3"):
            return None
        own = placement(transformations, ndim, where=where)
        if "coordinateSystems" in self._entry:
            return own  # those of the image lead on to further coordinate systems
        return placement(self._entry.get("coordinateTransformations", []), ndim, where=self.where, start=own)


def _size_and_corner(own: Placement, finest: Placement, spatial: Sequence[int]) -> Iterator[list[Decimal]]:
    yield [exact_decimal(own.scale[axis]) for axis in spatial]
    yield [exact_decimal(own.translation[axis] + (finest.scale[axis] - own.scale[axis]) / 2) for axis in spatial]


def multiscale_image(attributes: Mapping[str, Any], name: str | None = None, *, where: str) -> MultiscaleImage | None:
    """Return the image that the attributes of a group describe, or None if they describe none.

    Parameters
    ----------
    attributes
        Of the group.
    name
        Name of the image where there are several; else the first.
    where
        Names the group in messages.

    Raises
    ------
    ArrayMissing
        If there is no image of that name; a `KeyError`.
    DataError
        If the metadata is incomplete.
    """
    images = multiscale_images(attributes, where=where)
    if name is None or not images:
        return images[0] if images else None
    for image in images:
        if image.name == name:
            return image
    raise ArrayMissing(f"{where} has no image named {name!r}; it has {[image.name for image in images]}")


def multiscale_images(attributes: Mapping[str, Any], *, where: str) -> list[MultiscaleImage]:
    """Return all images that the attributes of a group describe.

    Raises
    ------
    DataError
        If the metadata is incomplete.
    """
    ome = attributes.get("ome")
    ome = ome if isinstance(ome, Mapping) and "multiscales" in ome else attributes
    entries = ome.get("multiscales", [])
    if not isinstance(entries, list) or not all(isinstance(entry, Mapping) for entry in entries):
        raise DataError(f"{where}: its multiscales metadata is no list of image descriptions; rewrite it")
    return [_image(entry, ome, where) for entry in entries]


def _image(entry: Mapping[str, Any], ome: Mapping[str, Any], where: str) -> MultiscaleImage:
    datasets = entry.get("datasets")
    if not isinstance(datasets, list) or not datasets or not all(isinstance(one, Mapping) for one in datasets):
        raise DataError(f"{where}: its multiscales metadata names no datasets; rewrite it")
    paths = tuple(path for one in datasets if isinstance(path := one.get("path"), str))
    if len(paths) < len(datasets):
        raise DataError(f"{where}: a dataset of its multiscales metadata has no path; rewrite it")
    name, entry = entry.get("name"), _standard(entry)
    version = str(entry.get("version", ome.get("version", "0.4")))
    return MultiscaleImage(
        where, name, version, paths, _axes(entry, version, where), _channels(ome.get("omero")), entry
    )


def _standard(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return COSEM's description of an image, which came before the standard, in the standard's terms."""
    transforms = [dataset.get("transform") for dataset in entry["datasets"]]
    if not all(isinstance(one, Mapping) for one in transforms):
        return entry
    in_order = reversed if transforms[0].get("order") == "F" else list

    def listed(transform: Mapping[str, Any], name: str) -> list[Any]:
        values = transform.get(name)
        return list(in_order(values)) if isinstance(values, list) else []

    names, units = (listed(transforms[0], name) for name in ("axes", "units"))
    axes = [{"name": name, "unit": unit} for name, unit in zip_longest(names, units[: len(names)])]
    placements = [
        [{"type": kind, kind: listed(one, given)} for kind, given in _COSEM_NAMES if given in one] for one in transforms
    ]
    return {
        "version": _COSEM,
        "axes": axes,
        "datasets": [{"coordinateTransformations": steps} for steps in placements],
    }


def _axes(entry: Mapping[str, Any], version: str, where: str) -> tuple[Mapping[str, Any], ...]:
    systems = entry.get("coordinateSystems")
    axes = _system(entry, systems, where).get("axes") if isinstance(systems, list) else entry.get("axes")
    if axes is None and version in ("0.1", "0.2"):
        axes = list("tczyx")
    axes = [{"name": axis} if isinstance(axis, str) else axis for axis in axes] if isinstance(axes, list) else []
    if not axes or not all(isinstance(axis, Mapping) and isinstance(axis.get("name"), str) for axis in axes):
        raise DataError(f"{where}: its multiscales metadata does not name the axes; add them, each with name and type")
    return tuple(axes)


def _system(entry: Mapping[str, Any], systems: list[Any], where: str) -> Mapping[str, Any]:
    """Return the coordinate system (version 0.6) that the levels are placed in."""
    steps = entry["datasets"][0].get("coordinateTransformations")
    wanted = steps[0].get("output") if isinstance(steps, list) and steps and isinstance(steps[0], Mapping) else None
    wanted = wanted.get("name") if isinstance(wanted, Mapping) else wanted
    known = [system for system in systems if isinstance(system, Mapping)]
    for system in known:
        if wanted is None or system.get("name") == wanted:
            return system
    raise DataError(
        f"{where}: its levels are placed in the coordinate system {wanted!r}, which is none of "
        f"{[system.get('name') for system in known]}; correct the metadata"
    )


def _channels(omero: Any) -> tuple[str, ...] | None:
    channels = omero.get("channels") if isinstance(omero, Mapping) else None
    if not isinstance(channels, list) or not channels:
        return None
    labels = [channel.get("label") if isinstance(channel, Mapping) else None for channel in channels]
    named = tuple(label for label in labels if isinstance(label, str))
    return named if len(named) == len(labels) else None
