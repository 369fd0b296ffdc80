"""All rules of a site, fed with track updates."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from engine.core.events import RuleKind, RuleTriggered
from engine.core.values import MotionMask, TrackUpdate
from engine.rules.counting import Counting, Counts
from engine.rules.intrusion import Intrusion
from engine.rules.line_crossing import LineCrossing
from engine.rules.motion_region import MotionRegion
from engine.rules.object_detection import ObjectDetection
from engine.rules.presence import RuleState
from engine.rules.values import Rule, RuleTimes

_STATES: dict[RuleKind, Callable[[Rule, RuleTimes], RuleState]] = {
    RuleKind.INTRUSION: Intrusion,
    RuleKind.LINE_CROSSING: LineCrossing,
    RuleKind.LOITERING: Intrusion,
    RuleKind.COUNTING: Counting,
    RuleKind.OBJECT_DETECTION: ObjectDetection,
    RuleKind.MOTION_REGION: MotionRegion,
}


class RuleEngine:
    """Turns track updates into events. Each event begins once and ends once; a line crossing only begins.

    It lives by the times of the updates and has no clock: when a channel's pictures stop for good, say so by
    `end_channel`. Raises ValueError when two rules have the same id.
    """

    def __init__(self, rules: Iterable[Rule], times: RuleTimes | None = None) -> None:
        self._times = times or RuleTimes()
        self._at: dict[str, float] = {}
        self._moved_at: dict[str, float] = {}
        self._under_way: dict[tuple[str, str], RuleTriggered] = {}
        self._states = self._made(rules, {})

    def _made(
        self, rules: Iterable[Rule], kept: dict[str, tuple[Rule, RuleState]]
    ) -> dict[str, tuple[Rule, RuleState]]:
        states: dict[str, tuple[Rule, RuleState]] = {}
        for rule in rules:
            if rule.id in states:
                raise ValueError(f"there are two rules with the id {rule.id!r}")
            states[rule.id] = kept.get(rule.id) or (rule, _STATES[rule.kind](rule, self._times))
        return states

    @property
    def active_rules(self) -> frozenset[str]:
        """The ids of the rules of which an event has begun and not ended."""
        return frozenset(rule_id for rule_id, (_, state) in self._states.items() if state.active)

    @property
    def under_way(self) -> tuple[RuleTriggered, ...]:
        """The events that have begun and not ended, as they began; crossings of lines only begin, and are not here."""
        return tuple(self._under_way.values())

    def _noted(self, events: list[RuleTriggered]) -> list[RuleTriggered]:
        for event in events:
            if not event.active:
                self._under_way.pop((event.rule_id, event.track_id), None)
            elif not event.rule_kind.has_line:
                self._under_way[event.rule_id, event.track_id] = event
        return events

    def counts(self, rule_id: str) -> Counts | None:
        """What a counting rule has counted; None for any other rule."""
        state = self._states.get(rule_id, (None, None))[1]
        return state.counts if isinstance(state, Counting) else None

    def reset_counts(self, rule_id: str) -> bool:
        """Sets a counter back to zero; False when there is no counting rule of that id."""
        state = self._states.get(rule_id, (None, None))[1]
        if not isinstance(state, Counting):
            return False
        state.counts = Counts()
        return True

    def replace(self, rules: Iterable[Rule], at: float, *, afresh: Collection[str] = ()) -> list[RuleTriggered]:
        """Other rules from now on. What ends by that is returned, `at` being the time of the change.

        A rule that is the same as before keeps its memory and its counts, unless its id is in `afresh`. Of those that
        are gone or changed, what was active ends. Raises ValueError when two rules have the same id; then all stays.
        """
        rules = tuple(rules)
        wanted = {rule.id: rule for rule in rules}
        kept = {
            rule_id: known
            for rule_id, known in self._states.items()
            if rule_id not in afresh and wanted.get(rule_id) == known[0]
        }
        states = self._made(rules, kept)
        gone = [state for rule_id, (_, state) in self._states.items() if rule_id not in kept]
        self._states = states
        return self._noted([event for state in gone for event in state.clear(at)])

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
        return self._noted(events)

    def watches_motion(self, channel: str) -> bool:
        """Whether there is a rule on the channel that wants to know what moves."""
        return any(rule.channel == channel and isinstance(state, MotionRegion) for rule, state in self._states.values())

    def motion(self, motion: MotionMask) -> list[RuleTriggered]:
        """What begins and ends with what moves in a picture. Clocks set back are as in `update`."""
        found = [(rule, state) for rule, state in self._states.values() if isinstance(state, MotionRegion)]
        states = [state for rule, state in found if rule.channel == motion.channel]
        events: list[RuleTriggered] = []
        if motion.captured_at < self._moved_at.get(motion.channel, motion.captured_at):
            events += [event for state in states for event in state.clear(motion.captured_at)]
        self._moved_at[motion.channel] = motion.captured_at
        return self._noted(events + [event for state in states for event in state.look(motion)])

    def end_channel(self, channel: str, at: float) -> list[RuleTriggered]:
        """Ends all events of a channel and forgets its targets: its pictures have stopped, or it was removed."""
        self._at.pop(channel, None)
        self._moved_at.pop(channel, None)
        states = [state for rule, state in self._states.values() if rule.channel == channel]
        return self._noted([event for state in states for event in state.clear(at)])
