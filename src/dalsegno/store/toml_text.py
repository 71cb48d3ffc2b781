"""TOML text to plain data, with the line of every key and list item."""

import re
import tomllib
from typing import Any, NamedTuple

from dalsegno.errors import ConfigError, ConfigPath, Problem

__all__ = ["parse_toml"]

Lines = dict[ConfigPath, int]

_TOKEN = re.compile(
    r'''(?P<string>"""(?:[^\\]|\\.)*?"""(?!")|\'\'\'.*?\'\'\'(?!\')|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')'''
    r"""|(?P<comment>\#[^\n]*)|(?P<newline>\n)|(?P<mark>[\[\]{}=,.])|(?P<bare>[^\s\[\]{}=,.\#"']+)""",
    re.DOTALL,
)


class _Token(NamedTuple):
    kind: str
    text: str
    line: int


def parse_toml(text: str, source: str) -> tuple[dict[str, Any], Lines]:
    """Read a TOML document.

    Parameters
    ----------
    source
        How messages call the text, e.g. the path of its file.

    Returns
    -------
    tuple
        Plain data, and the line of every key and list item, counted from 1.

    Raises
    ------
    ConfigError
        If the text is not TOML or a key stands twice.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"at line (\d+)", str(error))
        place = f"{source}:{found[1]}" if found else source
        raise ConfigError([Problem(f"this is not valid TOML: {error}", place=place)]) from error
    return data, _Scanner(text).lines()


class _Scanner:
    """Finds the lines in a text that is known to be TOML; the values are read by `tomllib`."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._position = 0
        self._lines: Lines = {(): 1}
        self._counts: dict[ConfigPath, int] = {}  # entries seen so far of every array of tables

    def lines(self) -> Lines:
        """Return the line of every key and list item."""
        table: ConfigPath = ()
        while (token := self._peek()).kind != "end":
            if token.text == "[" and token.kind == "mark":
                table = self._header()
            elif token.kind == "newline":
                self._take()
            else:
                self._entry(table)
        return self._lines

    def _header(self) -> ConfigPath:
        """Read ``[a.b]`` or ``[[a.b]]``; a name on the way that is an array means its last entry."""
        line, brackets = self._peek().line, 0
        while self._peek().text == "[":
            self._take()
            brackets += 1
        path: ConfigPath = ()
        keys = self._key()
        for depth, key in enumerate(keys, 1):
            path = (*path, key)
            self._lines.setdefault(path, line)
            if depth == len(keys) and brackets == 2:
                self._counts[path] = self._counts.get(path, 0) + 1
            if path in self._counts:
                path = (*path, self._counts[path] - 1)
                self._lines.setdefault(path, line)
        for _ in range(brackets):
            self._take()
        return path

    def _entry(self, table: ConfigPath) -> None:
        """Read ``key = value``."""
        line, path = self._peek().line, table
        for key in self._key():
            path = (*path, key)
            self._lines.setdefault(path, line)
        self._take()
        self._value(path)

    def _value(self, path: ConfigPath) -> None:
        token = self._take()
        self._lines.setdefault(path, token.line)
        if token.kind == "mark" and token.text in "[{":
            self._items(path, inline_table=token.text == "{")
        while self._peek().kind == "bare" or self._peek().text == ".":  # 1.5 and dates are several tokens
            self._take()

    def _items(self, path: ConfigPath, *, inline_table: bool) -> None:
        index = 0
        while (token := self._peek()).text not in ("]", "}"):
            if token.kind == "newline" or token.text == ",":
                self._take()
            elif inline_table:
                self._entry(path)
            else:
                self._value((*path, index))
                index += 1
        self._take()

    def _key(self) -> list[str]:
        keys = [_unquoted(self._take())]
        while self._peek().text == ".":
            self._take()
            keys.append(_unquoted(self._take()))
        return keys

    def _peek(self) -> _Token:
        return self._tokens[self._position]

    def _take(self) -> _Token:
        self._position += 1
        return self._tokens[self._position - 1]


def _tokens(text: str) -> list[_Token]:
    tokens, line = [], 1
    for match in _TOKEN.finditer(text):
        if match.lastgroup != "comment":
            tokens.append(_Token(str(match.lastgroup), match[0], line))
        line += match[0].count("\n")
    return [*tokens, _Token("end", "", line)]


def _unquoted(token: _Token) -> str:
    return str(tomllib.loads(f"key = {token.text}")["key"]) if token.kind == "string" else token.text
