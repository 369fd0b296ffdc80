"""Filters of messages by their content: the dialect ItemFilter (ONVIF Core, 9.5.5).

`boolean(//tt:SimpleItem[@Name="Rule" and @Value="gate"]) and not(boolean(//tt:SimpleItem[@Name="ObjectId"]))`:
a small part of XPath, read into conditions here, so that no client's XPath is ever run on the device.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from onvif_server.events.broker import Message
from onvif_server.soap import names

MAXIMUM_LENGTH: Final = 4096
MAXIMUM_NESTING: Final = 32

type Item = tuple[str, str]
"""A simple item: its name and its value."""

_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<string>"[^"]*"|'[^']*')|(?P<name>[^\W\d][\w.-]*(?::[^\W\d][\w.-]*)?)|(?P<mark>//|[][()=@]))"""
)


class ContentError(ValueError):
    """The expression is not one of the dialect, or exceeds the limits of length and nesting."""


class Condition[Subject](Protocol):
    """Something that holds for a subject, or does not."""

    def holds(self, subject: Subject) -> bool:
        """Whether it does."""
        ...


@dataclass(frozen=True, slots=True)
class AllOf[Subject]:
    """Holds if all parts hold."""

    parts: tuple[Condition[Subject], ...]

    def holds(self, subject: Subject) -> bool:
        """See `Condition`."""
        return all(part.holds(subject) for part in self.parts)


@dataclass(frozen=True, slots=True)
class AnyOf[Subject]:
    """Holds if one part holds."""

    parts: tuple[Condition[Subject], ...]

    def holds(self, subject: Subject) -> bool:
        """See `Condition`."""
        return any(part.holds(subject) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Negation[Subject]:
    """Holds if its part does not."""

    part: Condition[Subject]

    def holds(self, subject: Subject) -> bool:
        """See `Condition`."""
        return not self.part.holds(subject)


@dataclass(frozen=True, slots=True)
class Comparison:
    """The name (or the value) of an item equals a text."""

    of_name: bool
    text: str

    def holds(self, subject: Item) -> bool:
        """See `Condition`."""
        return subject[0 if self.of_name else 1] == self.text


@dataclass(frozen=True, slots=True)
class HasItem:
    """A message has a simple item for which `test` holds, in whatever group."""

    test: Condition[Item]

    def holds(self, subject: Message) -> bool:
        """See `Condition`."""
        return any(self.test.holds(item) for group in (subject.source, subject.key, subject.data) for item in group)


@dataclass(frozen=True, slots=True)
class HasElementItem:
    """A message has an element item for which `test` holds: never, since ours have simple items only."""

    test: Condition[Item]

    def holds(self, subject: Message) -> bool:
        """See `Condition`."""
        return False


def parse_content(text: str, namespaces: Mapping[str | None, str]) -> Condition[Message]:
    """Reads an expression; `namespaces` are those of its prefixes. Raises ContentError."""
    if len(text) > MAXIMUM_LENGTH:
        raise ContentError(f"the expression is longer than {MAXIMUM_LENGTH} characters")
    return _Parser(_tokens(text), namespaces).expression()


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


_END: Final = _Token("end", "the end")


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    position, end = 0, len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None:
            raise ContentError(f"{text[position : position + 20]!r} is not understood")
        kind = match.lastgroup or ""
        found.append(_Token(kind, match[kind]))
        position = match.end()
    return [*found, _END]


class _Parser:
    def __init__(self, tokens: list[_Token], namespaces: Mapping[str | None, str]) -> None:
        self._tokens = tokens
        self._namespaces = namespaces
        self._next = 0
        self._nesting = 0

    def expression(self) -> Condition[Message]:
        whole = self._alternatives(self._existence)
        if self._tokens[self._next] is not _END:
            raise ContentError(f"{self._tokens[self._next].text!r} was not expected")
        return whole

    def _alternatives[Subject](self, leaf: Callable[[], Condition[Subject]]) -> Condition[Subject]:
        parts = [self._conjunction(leaf)]
        while self._accept("name", "or"):
            parts.append(self._conjunction(leaf))
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))

    def _conjunction[Subject](self, leaf: Callable[[], Condition[Subject]]) -> Condition[Subject]:
        parts = [self._unary(leaf)]
        while self._accept("name", "and"):
            parts.append(self._unary(leaf))
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts))

    def _unary[Subject](self, leaf: Callable[[], Condition[Subject]]) -> Condition[Subject]:
        if self._accept("name", "not"):
            self._expect("mark", "(")
            return Negation(self._inner(leaf, ")"))
        if self._accept("mark", "("):
            return self._inner(leaf, ")")
        return leaf()

    def _inner[Subject](self, leaf: Callable[[], Condition[Subject]], closing: str) -> Condition[Subject]:
        self._nesting += 1
        if self._nesting > MAXIMUM_NESTING:
            raise ContentError(f"the expression is nested deeper than {MAXIMUM_NESTING}")
        found = self._alternatives(leaf)
        self._expect("mark", closing)
        self._nesting -= 1
        return found

    def _existence(self) -> Condition[Message]:
        for kind, text in (("name", "boolean"), ("mark", "("), ("mark", "//")):
            self._expect(kind, text)
        prefix, _, name = self._expect("name").rpartition(":")
        if name not in ("SimpleItem", "ElementItem"):
            raise ContentError(f"only SimpleItem and ElementItem can be looked for, not {name}")
        if prefix and self._namespaces.get(prefix) != names.SCHEMA:
            raise ContentError(f"the prefix {prefix} does not stand for {names.SCHEMA}")
        self._expect("mark", "[")
        test = self._inner(self._comparison, "]")
        self._expect("mark", ")")
        return HasItem(test) if name == "SimpleItem" else HasElementItem(test)

    def _comparison(self) -> Condition[Item]:
        self._expect("mark", "@")
        attribute = self._expect("name")
        if attribute not in ("Name", "Value"):
            raise ContentError(f"only @Name and @Value can be compared, not @{attribute}")
        self._expect("mark", "=")
        return Comparison(attribute == "Name", self._expect("string")[1:-1])

    def _accept(self, kind: str, text: str) -> bool:
        found = self._tokens[self._next] == _Token(kind, text)
        self._next += found
        return found

    def _expect(self, kind: str, text: str | None = None) -> str:
        token = self._tokens[self._next]
        if token.kind != kind or text not in (None, token.text):
            raise ContentError(f"{text or f'a {kind}'} was expected before {token.text!r}")
        self._next += 1
        return token.text
