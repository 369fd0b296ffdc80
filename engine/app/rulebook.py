"""The rules at work: kept in the site file, run by the rule engine, changed while the engine runs."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from engine.config import RuleConfig, Site, SiteFileError
from engine.config.validators import MOST_RULES
from engine.config.writer import change_rules
from engine.core.clock import Clock
from engine.core.events import RuleTriggered
from engine.core.geometry import Point
from engine.linkage import Director
from engine.rules import CrossingDirection, Rule, RuleEngine

_LOG = logging.getLogger(__name__)

WHOLE_PICTURE = (Point(0.0, 0.0), Point(1.0, 0.0), Point(1.0, 1.0), Point(0.0, 1.0))

type RefusalKind = Literal["exists", "not_found", "invalid", "too_many", "unavailable"]
type Rules = tuple[RuleConfig, ...]


class RuleRefused(Exception):  # noqa: N818 - it is an answer, not an error of the engine
    """The rules are not changed, not one of them; the message says why, without secrets.

    `kind`: `exists`, `not_found`, `invalid`, `too_many`; `unavailable` when the site file is broken or cannot be
    written.
    """

    def __init__(self, reason: str, kind: RefusalKind) -> None:
        super().__init__(reason)
        self.reason = reason
        self.kind: RefusalKind = kind


def rule_of(config: RuleConfig) -> Rule:
    """A rule as the rules room takes it. Raises ValueError for one that makes no sense."""
    return Rule(
        id=config.rule_id,
        kind=config.kind,
        channel=config.channel,
        points=config.points or WHOLE_PICTURE,
        direction=CrossingDirection(config.direction),
        min_seconds=config.min_seconds,
        targets=frozenset(config.targets),
        min_score=config.confidence,
        sensitivity=config.sensitivity,
    )


def new_rule_id(name: str, taken: Collection[str]) -> str:
    """An id for a rule of that name: made of its letters and digits, with a number where there is one like it."""
    stem = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:48].strip("-") or "rule"
    number, found = 1, stem
    while found in taken:
        number += 1
        found = f"{stem}-{number}"
    return found


class RuleBook:
    """The rules of a site file, a rule engine and the links.

    Who lets clients change rules does it here. The methods that change them raise RuleRefused, and are all or nothing.
    `on_event` gets the ends of what a change ends, while links still know their old rules; `on_change` is called when
    the rules are others. The file is written first: what runs is always what the next start would find.
    """

    def __init__(
        self,
        site: Site,
        director: Director,
        clock: Clock,
        *,
        on_event: Callable[[RuleTriggered], None],
        on_change: Callable[[], None],
    ) -> None:
        self._file: Path = site.file
        self._director = director
        self._clock = clock
        self._on_event = on_event
        self._on_change = on_change
        self._channels = frozenset(channel.channel_id for channel in site.channels)
        self._rules = site.rules
        self._turn = asyncio.Lock()
        self.engine = RuleEngine(self._at_work(site.rules))

    def rules(self, channel: str | None = None) -> Rules:
        """The rules, of one channel or of all, in the order of the site file."""
        return tuple(rule for rule in self._rules if channel in {None, rule.channel})

    def find(self, rule_id: str) -> RuleConfig | None:
        """One of the rules; None if there is none of that id."""
        return next((rule for rule in self._rules if rule.rule_id == rule_id), None)

    async def add(self, rules: Sequence[RuleConfig]) -> None:
        """Adds rules."""
        new = tuple(_named(rule) for rule in rules)

        def change(old: Rules) -> Rules:
            taken = {rule.rule_id for rule in old}
            for rule in new:
                if rule.rule_id in taken:
                    raise RuleRefused(f"there is a rule '{rule.rule_id}' already", "exists")
                taken.add(rule.rule_id)
            if len(old) + len(new) > MOST_RULES:
                raise RuleRefused(f"a site has {MOST_RULES} rules at most", "too_many")
            return (*old, *new)

        await self._change(change)

    async def replace(self, rules: Sequence[RuleConfig]) -> None:
        """Changes rules, found by their ids. A rule keeps its kind and its channel."""
        new = {rule.rule_id: _named(rule) for rule in rules}

        def change(old: Rules) -> Rules:
            known = {rule.rule_id: rule for rule in old}
            for rule_id, rule in new.items():
                before = _existing(known, rule_id)
                if (rule.kind, rule.channel) != (before.kind, before.channel):
                    raise RuleRefused(f"the rule '{rule_id}' keeps its type and its channel: make another", "invalid")
            return tuple(new.get(rule.rule_id, rule) for rule in old)

        await self._change(change)

    async def remove(self, ids: Collection[str]) -> None:
        """Removes rules; what was active ends."""

        def change(old: Rules) -> Rules:
            known = {rule.rule_id: rule for rule in old}
            gone = {_existing(known, rule_id).rule_id for rule_id in ids}
            return tuple(rule for rule in old if rule.rule_id not in gone)

        await self._change(change)

    def reset_counts(self, rule_id: str) -> None:
        """Sets the counter of a counting rule back to zero. Raises RuleRefused."""
        if self.find(rule_id) is None:
            raise RuleRefused(f"there is no rule '{rule_id}'", "not_found")
        if not self.engine.reset_counts(rule_id):
            raise RuleRefused(f"the rule '{rule_id}' counts nothing", "invalid")
        self._on_change()

    async def _change(self, change: Callable[[Rules], Rules]) -> None:
        # A client that hangs up must not leave the file and what runs apart.
        await asyncio.shield(asyncio.ensure_future(self._change_whole(change)))

    async def _change_whole(self, change: Callable[[Rules], Rules]) -> None:
        async with self._turn:
            try:
                site = await asyncio.to_thread(change_rules, self._file, self._known_here(change), _check)
            except SiteFileError as error:
                kind: RefusalKind = (
                    "invalid" if all(one.path[:1] == ("rules",) for one in error.problems) else ("unavailable")
                )
                raise RuleRefused("; ".join(one.text(Path(self._file.name)) for one in error.problems), kind) from error
            except OSError as error:
                raise RuleRefused(f"the site file cannot be written: {error.strerror}", "unavailable") from error
            except ValueError as error:
                raise RuleRefused(str(error), "invalid") from error
            self._swap(site.rules)

    def _known_here(self, change: Callable[[Rules], Rules]) -> Callable[[Rules], Rules]:
        """What is new must be on channels and links that run: the file may already name others, by hand."""

        def checked(old: Rules) -> Rules:
            new = change(old)
            for rule in new:
                if rule not in old and not self._runs(rule):
                    raise RuleRefused(f"rule '{rule.rule_id}': no such channel or link is at work", "invalid")
            return new

        return checked

    def _runs(self, rule: RuleConfig) -> bool:
        return rule.channel in self._channels and (rule.link is None or rule.link in self._director.links)

    def _at_work(self, rules: Iterable[RuleConfig]) -> list[Rule]:
        return [rule_of(rule) for rule in rules if rule.armed]

    def _swap(self, rules: Rules) -> None:
        """Lets these rules work; those on channels or links that are only in the file wait for the next start."""
        for rule in rules:
            if not self._runs(rule):
                _LOG.warning("the rule %r is for a channel or link that runs after a restart only", rule.rule_id)
        new = tuple(rule for rule in rules if self._runs(rule))
        before = {rule.rule_id: rule for rule in self._rules}
        # A link that is not to be sent any more must hear the end.
        afresh = {
            rule.rule_id
            for rule in new
            if (old := before.get(rule.rule_id)) is not None and (old.link, old.priority) != (rule.link, rule.priority)
        }
        for event in self.engine.replace(self._at_work(new), self._clock.now(), afresh=afresh):
            self._on_event(event)
        self._rules = new
        for link_id, link in self._director.links.items():
            link.settings = replace(link.settings, rules=priorities(new, link_id))
        self._on_change()


def priorities(rules: Iterable[RuleConfig], link_id: str) -> dict[str, int]:
    """The rules that send a link, with their priorities."""
    return {rule.rule_id: rule.priority for rule in rules if rule.link == link_id}


def _check(site: Site) -> None:
    for rule in site.rules:
        rule_of(rule)


def _named(rule: RuleConfig) -> RuleConfig:
    return rule if rule.name else replace(rule, name=rule.rule_id)


def _existing(known: dict[str, RuleConfig], rule_id: str) -> RuleConfig:
    if rule_id not in known:
        raise RuleRefused(f"there is no rule '{rule_id}'", "not_found")
    return known[rule_id]
