"""YAML text to plain data and back, with the line of every key and list item."""

from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.compat import StringIO
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.representer import SafeRepresenter

from dalsegno.errors import ConfigError, ConfigPath, Problem

__all__ = ["dump_yaml", "parse_yaml"]

Lines = dict[ConfigPath, int]

_INLINE = 100  # a list of plain values up to this many characters stays on one line


class _Constructor(SafeConstructor):
    """Builds plain values; a date stays the text that it is."""


class _Representer(SafeRepresenter):
    """Writes short lists of plain values on one line, everything else as a block."""

    def ignore_aliases(self, _: Any) -> bool:
        """Write equal parts out, so that the text depends on the values alone."""
        return True

    def represent_list(self, data: list[Any]) -> SequenceNode:
        """Write a list."""
        return self.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=_inline(data))

    def represent_str(self, data: str) -> ScalarNode:
        """Write a text; escaped where it has line ends or other characters that can't be seen."""
        return self.represent_scalar("tag:yaml.org,2002:str", data, style=None if data.isprintable() else '"')


_Constructor.add_constructor("tag:yaml.org,2002:timestamp", SafeConstructor.construct_yaml_str)
_Representer.add_representer(list, _Representer.represent_list)
_Representer.add_representer(str, _Representer.represent_str)


def parse_yaml(text: str, source: str) -> tuple[Any, Lines]:
    """Read one YAML 1.2 document: ``1e-3`` is a number, ``no`` is a text.

    Parameters
    ----------
    source
        How messages call the text, e.g. the path of its file.

    Returns
    -------
    tuple
        Plain data (None if the text is empty), and the line of every key and list item, counted from 1.

    Raises
    ------
    ConfigError
        If the text is not YAML, a key stands twice, a key is no text, or a tag asks for an object.
    """
    yaml = YAML(typ="safe", pure=True)
    yaml.Constructor = _Constructor
    lines: Lines = {}
    try:
        root = yaml.compose(text)
        data = None if root is None else yaml.constructor.construct_document(root)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = " ".join(part.strip() for part in (error.context, error.problem) if part)
        place = f"{source}:{mark.line + 1}" if mark else source
        raise ConfigError([Problem(f"this is not valid YAML: {message}", place=place)]) from error
    except YAMLError as error:
        raise ConfigError([Problem(f"this is not valid YAML: {error}", place=source)]) from error
    if root is not None:
        _collect_lines(root, (), lines, source)
    return data, lines


def _collect_lines(node: Node, path: ConfigPath, lines: Lines, source: str, above: tuple[int, ...] = ()) -> None:
    here = f"{source}:{node.start_mark.line + 1}"
    if id(node) in above:
        raise ConfigError([Problem("this part contains itself; write out what it should hold", path, here)])
    lines.setdefault(path, node.start_mark.line + 1)
    above = (*above, id(node))
    if isinstance(node, MappingNode):
        for key_node, value in node.value:
            key = _key(key_node, path, source)
            lines[*path, key] = key_node.start_mark.line + 1
            _collect_lines(value, (*path, key), lines, source, above)
    elif isinstance(node, SequenceNode):
        for index, item in enumerate(node.value):
            _collect_lines(item, (*path, index), lines, source, above)


def _key(node: Node, path: ConfigPath, source: str) -> str | int:
    if node.tag == "tag:yaml.org,2002:int":
        return int(node.value, 0)
    if node.tag != "tag:yaml.org,2002:str":
        place = f"{source}:{node.start_mark.line + 1}"
        raise ConfigError([Problem(f"the key {node.value!r} is not a text; put it in quotes", path, place)])
    return str(node.value)


def dump_yaml(data: Any) -> str:
    """Write plain data as YAML: the same text for the same data, keys in their order."""
    yaml = YAML(typ="safe", pure=True)
    yaml.Representer = _Representer
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    yaml.width = 10_000
    stream = StringIO()
    yaml.dump(data, stream)
    return str(stream.getvalue())


def _inline(value: Any) -> bool:
    return _plain(value) and len(repr(value)) <= _INLINE


def _plain(value: Any) -> bool:
    return all(map(_plain, value)) if isinstance(value, list) else not isinstance(value, dict)
