"""The lines of the rules in a site file's text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError

type Entry = Mapping[str, Any]

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")
_EMPTY_SECTION = re.compile(r"rules[ \t]*:[ \t]*(?:\[[ \t]*\]|~|null)?([ \t]+#[^\r\n]*)?[ \t]*$")
_WIDE = 1_000_000


class TextNotUnderstood(ValueError):  # noqa: N818 - a statement about the text
    """The rules of this text do not stand on lines of their own."""


class RulesText:
    """A site file's text, in which single rules can be changed while every other line stays as it is.

    Raises TextNotUnderstood, like its methods, where that cannot be done: the rules are not a block list.
    """

    def __init__(self, text: str) -> None:
        self._lines = _LINE.findall(text)
        self._end = "\r\n" if "\r\n" in text else "\n"
        tree = _tree(text)
        if tree.fa.flow_style():
            raise TextNotUnderstood
        rules = tree.get("rules")
        self._header: int | None = tree.lc.key("rules")[0] if "rules" in tree else None
        self._spans: list[tuple[int, int]] = []
        self._dash = 2
        if rules:
            self._find_entries(tree, rules)
        elif self._header is not None and not _EMPTY_SECTION.match(self._lines[self._header].rstrip("\r\n")):
            raise TextNotUnderstood

    @property
    def text(self) -> str:
        """The text as it is now."""
        return "".join(self._lines)

    def remove(self, index: int) -> None:
        """Takes a rule out. Comments above it stay."""
        start, end = self._spans.pop(index)
        del self._lines[start:end]
        self._spans[index:] = [(first - end + start, last - end + start) for first, last in self._spans[index:]]
        if not self._spans and self._header is not None:
            header = self._lines[self._header]
            self._lines[self._header] = re.sub(r"^(rules[ \t]*:)", r"\1 []", header)

    def change(self, index: int, old: Entry, new: Entry) -> None:
        """Changes those keys of a rule that differ between its old and its new entry."""
        start, end = self._spans[index]
        lines = self._lines[start:end]
        if any(line.strip() and not line.startswith(" " * self._dash) for line in lines):
            raise TextNotUnderstood
        inner = "".join(line[self._dash :] or self._end for line in lines)
        tree = _loaded(inner)
        if not isinstance(tree, CommentedSeq) or len(tree) != 1:
            raise TextNotUnderstood
        _update(tree[0], old, new)
        self._put(start, end, tree)
        moved = len(self._lines_of(tree)) - (end - start)
        self._spans[index] = (start, end + moved)
        self._spans[index + 1 :] = [(first + moved, last + moved) for first, last in self._spans[index + 1 :]]

    def append(self, entry: Entry) -> None:
        """Adds a rule after the last one."""
        if self._lines and not self._lines[-1].endswith(("\n", "\r")):
            self._lines[-1] += self._end
        if self._header is None:
            self._lines += ([self._end] if self._lines and self._lines[-1].strip() else []) + [f"rules:{self._end}"]
            self._header = len(self._lines) - 1
        if not self._spans:
            comment = _EMPTY_SECTION.match(self._lines[self._header].rstrip("\r\n"))
            self._lines[self._header] = f"rules:{(comment and comment[1]) or ''}{self._end}"
        start = self._spans[-1][1] if self._spans else self._header + 1
        tree = CommentedSeq([_map_of(entry)])
        self._put(start, start, tree)
        self._spans.append((start, start + len(self._lines_of(tree))))

    def _find_entries(self, tree: CommentedMap, rules: Any) -> None:
        if not isinstance(rules, CommentedSeq) or rules.fa.flow_style() or self._header is None:
            raise TextNotUnderstood
        starts = [rules.lc.item(index)[0] for index in range(len(rules))]
        self._dash = rules.lc.col
        following = [tree.lc.key(key)[0] for key in tree if tree.lc.key(key)[0] > self._header]
        ends = [*starts[1:], min(following, default=len(self._lines))]
        for start, end in zip(starts, ends, strict=True):
            if not self._lines[start].startswith(" " * self._dash + "-"):
                raise TextNotUnderstood
            self._spans.append((start, self._without_what_follows(start, end)))

    def _without_what_follows(self, start: int, end: int) -> int:
        """The end of an entry: comments and empty lines below it belong to what comes next, unless further in."""
        while end > start + 1:
            line = self._lines[end - 1]
            content = line.strip()
            inner = len(line) - len(line.lstrip()) > self._dash
            if content and not (content.startswith("#") and not inner) and content not in {"...", "---"}:
                break
            end -= 1
        return end

    def _put(self, start: int, end: int, tree: CommentedSeq) -> None:
        self._lines[start:end] = self._lines_of(tree)

    def _lines_of(self, tree: CommentedSeq) -> list[str]:
        dumped = [line.rstrip("\r\n") for line in _dumped(tree).rstrip("\n").split("\n")]
        return [(" " * self._dash + line if line else "") + self._end for line in dumped]


def rewritten(text: str, entries: Sequence[tuple[Entry | None, Entry]]) -> str:
    """A site file's text with these rules, each given as it was (None: it is new) and as it is to be.

    The whole file is written anew: comments stay, spaces may change. Raises TextNotUnderstood.
    """
    tree = _tree(text)
    known = {str(rule["id"]): rule for rule in tree.get("rules") or ()}
    rules = CommentedSeq()
    for old, new in entries:
        rule = known.get(new["id"]) if old is not None else None
        if rule is None or old is None:
            rule = _map_of(new)
            # In a file of one line everything must be.
            rule.fa.set_flow_style()
        else:
            _update(rule, old, new)
        rules.append(rule)
    rules.fa.set_flow_style()
    tree["rules"] = rules
    return _dumped(tree)


def _tree(text: str) -> CommentedMap:
    tree = _loaded(text)
    if not isinstance(tree, CommentedMap):
        raise TextNotUnderstood
    return tree


def _yaml() -> YAML:
    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.width = _WIDE
    return yaml


def _loaded(text: str) -> Any:
    try:
        return _yaml().load(text)
    except (YAMLError, ValueError) as error:
        raise TextNotUnderstood from error


def _dumped(tree: Any) -> str:
    stream = StringIO()
    _yaml().dump(tree, stream)
    return stream.getvalue()


def _update(rule: Any, old: Entry, new: Entry) -> None:
    if not isinstance(rule, CommentedMap):
        raise TextNotUnderstood
    for key in {**old, **new}:
        if old.get(key) == new.get(key):
            continue
        if key in new:
            rule[key] = _node(new[key])
        else:
            rule.pop(key, None)


def _map_of(entry: Entry) -> CommentedMap:
    return CommentedMap({key: _node(value) for key, value in entry.items()})


def _node(value: Any) -> Any:
    """Lists go on one line, as people write points."""
    if not isinstance(value, list):
        return value
    node = CommentedSeq([_node(one) for one in value])
    node.fa.set_flow_style()
    return node
