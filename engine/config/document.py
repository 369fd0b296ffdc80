"""Reads a YAML file into plain values, and remembers on which line everything stands."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq, TaggedScalar
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.tokens import AliasToken

type KeyPath = tuple[str | int, ...]

SIZE_LIMIT_BYTES = 1024 * 1024
DEPTH_LIMIT = 12


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong at a place in a file."""

    message: str
    line: int | None = None
    path: KeyPath = ()

    def text(self, file: Path) -> str:
        """One line for the person who mends the file: file, line, path, message."""
        place = f"{file}:{self.line}" if self.line else str(file)
        return f"{place}: {dotted(self.path)}: {self.message}" if self.path else f"{place}: {self.message}"


class SiteFileError(Exception):
    """A site file that cannot be used; the text names every problem with file, line, path, and what was expected."""

    def __init__(self, file: Path, problems: list[Problem]) -> None:
        super().__init__("\n".join(problem.text(file) for problem in problems))
        self.file = file
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed file: plain values, and the line (from 1) of every path in it."""

    file: Path
    values: Any
    lines: dict[KeyPath, int]

    def line_of(self, path: KeyPath) -> int | None:
        """The line of a path, or of the nearest thing around it that exists."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.lines:
                return self.lines[path[:end]]
        return None


def dotted(path: KeyPath) -> str:
    """A path as people write it: cameras[0].address."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def read_document(file: Path, secrets: dict[str, str] | None = None, text: str | None = None) -> Document:
    """Reads a YAML file. `!secret NAME` is replaced from `secrets`. With `text`, that is taken for what it holds.

    Raises SiteFileError for a file that is missing, too large, not YAML, nested too deeply, or that uses aliases
    (a short file of aliases can expand to any size).
    """
    if text is None:
        text = read_text(file)
    yaml = YAML(typ="rt")
    yaml.allow_duplicate_keys = False
    try:
        for token in YAML(typ="rt").scan(StringIO(text)):
            if isinstance(token, AliasToken):
                raise SiteFileError(
                    file, [Problem("aliases (*name) are not allowed; write it out", token.start_mark.line + 1)]
                )
        tree = yaml.load(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise SiteFileError(file, [Problem(f"not valid YAML: {error.problem or error.context}", line)]) from error
    except (YAMLError, ValueError, RecursionError) as error:
        raise SiteFileError(file, [Problem(f"not valid YAML: {str(error).splitlines()[0]}")]) from error
    reader = _Reader(file, secrets or {})
    values = reader.plain(tree, (), 1)
    if reader.problems:
        raise SiteFileError(file, reader.problems)
    return Document(file, values, reader.lines)


def read_secrets(file: Path) -> dict[str, str]:
    """Reads the file of secrets beside a site file; a file that is not there holds none.

    Raises SiteFileError when others than its owner may read it, or when it holds anything but names and texts.
    """
    if not file.exists():
        return {}
    if stat.S_IMODE(file.stat().st_mode) & 0o077:
        raise SiteFileError(file, [Problem(f"others can read it; run: chmod 600 {file}")])
    values = read_document(file).values or {}
    if not isinstance(values, dict) or not all(isinstance(v, str) for v in values.values()):
        raise SiteFileError(file, [Problem('expected lines of the form NAME: "secret"')])
    return {str(name): value for name, value in values.items()}


def read_text(file: Path) -> str:
    """The text of a file, with its line ends as they are. Raises SiteFileError."""
    try:
        with file.open("rb") as stream:
            data = stream.read(SIZE_LIMIT_BYTES + 1)
    except OSError as error:
        raise SiteFileError(file, [Problem(f"cannot be read: {os.strerror(error.errno or 0)}")]) from error
    if len(data) > SIZE_LIMIT_BYTES:
        raise SiteFileError(file, [Problem(f"larger than {SIZE_LIMIT_BYTES} bytes")])
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise SiteFileError(file, [Problem("not UTF-8 text", line)]) from error


class _Reader:
    """Turns ruamel's tree into plain values and notes the lines."""

    def __init__(self, file: Path, secrets: dict[str, str]) -> None:
        self._file = file
        self._secrets = secrets
        self.lines: dict[KeyPath, int] = {}
        self.problems: list[Problem] = []

    def plain(self, node: Any, path: KeyPath, line: int) -> Any:
        self.lines[path] = line
        if len(path) > DEPTH_LIMIT:
            self.problems.append(Problem("nested too deeply", line, path))
            return None
        if isinstance(node, CommentedMap):
            return {key: self.plain(value, (*path, _key(key)), node.lc.key(key)[0] + 1) for key, value in node.items()}
        if isinstance(node, CommentedSeq):
            return [self.plain(value, (*path, i), node.lc.item(i)[0] + 1) for i, value in enumerate(node)]
        if isinstance(node, TaggedScalar):
            return self._tagged(node, path, line)
        # ruamel keeps how numbers were written in subclasses; the rest of the engine wants plain ones.
        for plain_type in (bool, int, float, str):
            if isinstance(node, plain_type):
                return plain_type(node)
        return node

    def _tagged(self, node: TaggedScalar, path: KeyPath, line: int) -> str | None:
        if node.tag.value != "!secret":
            self.problems.append(Problem(f"unknown tag {node.tag.value}; only !secret is known", line, path))
            return None
        if node.value not in self._secrets:
            beside = self._file.with_name("secrets.yaml")
            self.problems.append(Problem(f"the secret '{node.value}' is not in {beside}", line, path))
            return None
        return self._secrets[node.value]


def _key(key: Any) -> str | int:
    return key if isinstance(key, int) and not isinstance(key, bool) else str(key)
