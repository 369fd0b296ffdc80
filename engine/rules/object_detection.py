"""Anybody at all is there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from engine.core.events import RuleTriggered
from engine.core.values import TrackUpdate
from engine.rules.intrusion import Intrusion
from engine.rules.values import Rule, RuleTimes


class ObjectDetection:
    """One object-detection rule at work: active while any target is in the region.

    Who is in it is an intrusion's business, patience with flicker included. Of its events only the first beginning
    and the last end are told, both under the name of the target that came first.
    """

    def __init__(self, rule: Rule, times: RuleTimes) -> None:
        self._intrusion = Intrusion(rule, times)
        self._inside: set[str] = set()
        self._begun: RuleTriggered | None = None

    @property
    def active(self) -> bool:
        """See RuleState."""
        return self._begun is not None

    def observe(self, update: TrackUpdate) -> Iterator[RuleTriggered]:
        """See RuleState."""
        # All of an update at once: a target that comes while another goes must not look like an empty region.
        yield from self._told(list(self._intrusion.observe(update)))

    def clear(self, at: float) -> Iterator[RuleTriggered]:
        """See RuleState."""
        yield from self._told(list(self._intrusion.clear(at)))

    def _told(self, events: Iterable[RuleTriggered]) -> Iterator[RuleTriggered]:
        begins = [event for event in events if event.active]
        ends = [event for event in events if not event.active]
        self._inside |= {event.track_id for event in begins}
        self._inside -= {event.track_id for event in ends}
        if begins and self._begun is None:
            self._begun = begins[0]
            yield begins[0]
        if self._begun is not None and not self._inside:
            first, self._begun = self._begun, None
            yield replace(ends[-1], track_id=first.track_id, target_type=first.target_type)
