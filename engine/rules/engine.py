"""All rules of a site, fed with track updates."""

from __future__ import annotations

from collections.abc import Iterable

from engine.core.events import RuleKind, RuleTriggered
from engine.core.values import TrackUpdate
from engine.rules.intrusion import Intrusion
from engine.rules.line_crossing import LineCrossing
from engine.rules.presence import RuleState
from engine.rules.values import Rule, RuleTimes


class RuleEngine:
    """Turns track updates into events. Each event begins once and ends once; a line crossing only begins.

    It lives by the times of the updates and has no clock: when a channel's pictures stop for good, say so by
    `end_channel`. Raises ValueError when two rules have the same id.
    """

    def __init__(self, rules: Iterable[Rule], times: RuleTimes | None = None) -> None:
        self._states: dict[str, tuple[Rule, RuleState]] = {}
        self._at: dict[str, float] = {}
        for rule in rules:
            if rule.id in self._states:
                raise ValueError(f"there are two rules with the id {rule.id!r}")
            kind = Intrusion if rule.kind is RuleKind.INTRUSION else LineCrossing
            self._states[rule.id] = rule, kind(rule, times or RuleTimes())

    @property
    def active_rules(self) -> frozenset[str]:
        """The ids of the rules of which an event has begun and not ended."""
        return frozenset(rule_id for rule_id, (_, state) in self._states.items() if state.active)

    def update(self, update: TrackUpdate) -> list[RuleTriggered]:
        """What begins and ends with this update, in the order of the rules.

        An update that is older than the one before (a clock was set back) ends what was active and starts afresh.
        """
        events: list[RuleTriggered] = []
        if update.captured_at < self._at.get(update.channel, update.captured_at):
            events += self.end_channel(update.channel, update.captured_at)
        self._at[update.channel] = update.captured_at
        for rule, state in self._states.values():
            if rule.channel == update.channel:
                events += state.observe(update)
        return events

    def end_channel(self, channel: str, at: float) -> list[RuleTriggered]:
        """Ends all events of a channel and forgets its targets: its pictures have stopped, or it was removed."""
        self._at.pop(channel, None)
        return [event for rule, state in self._states.values() if rule.channel == channel for event in state.clear(at)]
