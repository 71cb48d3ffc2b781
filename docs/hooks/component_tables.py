"""Writes the fields of every component and the options of every format into the reference, where markers stand."""

import inspect
import re
from collections.abc import Iterator
from typing import Any

import attrs

from dalsegno.components import ROOMS, component_names, config_class
from dalsegno.config import Config, fields
from dalsegno.experiments.run import RunConfig
from dalsegno.sources.file_format import known_formats

__all__ = ["on_page_markdown"]

COMPONENTS, FORMATS = "<!-- components -->", "<!-- formats -->"


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Return the text of a page with the tables in place of the markers; mkdocs calls this for every page."""
    for marker, lines in ((COMPONENTS, _components), (FORMATS, _formats)):
        if marker in markdown:
            markdown = markdown.replace(marker, "\n".join(lines()))
    return markdown


def _formats() -> Iterator[str]:
    """Yield what mkdocstrings puts the documentation of each format's function in place of."""
    for known in sorted(known_formats(), key=lambda one: one.name):
        yield from [f"::: {known.open.__module__}.{known.open.__qualname__}", ""]


def _components() -> Iterator[str]:
    yield from ["## Experiment", *_section("RunConfig", RunConfig)]
    for kind in ROOMS:
        names = component_names(kind)
        if names:
            yield f"## {kind.capitalize()} types"
        for name in names:
            yield from _section(name, config_class(name, kind))


def _section(name: str, config: type[Config]) -> Iterator[str]:
    yield from [f"### {name}", "", inspect.getdoc(config) or "", ""]
    if fields(config):
        yield from ["| Field | Type | Default | Meaning |", "|---|---|---|---|"]
    for field in fields(config):
        meaning = field.metadata["help"].replace("|", r"\|")
        yield f"| `{field.name}` | `{_type_name(field.type)}` | {_default(field)} | {meaning} |"
    yield ""


def _type_name(hint: Any) -> str:
    """Write a type as readers know it, without the modules it comes from."""
    text = hint.__name__ if isinstance(hint, type) and not hasattr(hint, "__args__") else str(hint)
    return re.sub(r"\b(\w+\.)+(?=\w)", "", text)


def _default(field: "attrs.Attribute[Any]") -> str:
    if field.default is attrs.NOTHING:
        return "*required*"
    factory = getattr(field.default, "factory", None)
    return f"`{factory() if factory else field.default!r}`"
