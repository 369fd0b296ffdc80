"""How many walked over a line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from engine.core.events import RuleTriggered
from engine.core.values import TrackUpdate
from engine.rules.line_crossing import LineCrossing
from engine.rules.values import CrossingDirection


@dataclass(frozen=True, slots=True)
class Counts:
    """How many crossed, each way, since the counter was started or set back."""

    a_to_b: int = 0
    b_to_a: int = 0

    @property
    def total(self) -> int:
        """Both ways together."""
        return self.a_to_b + self.b_to_a


class Counting(LineCrossing):
    """One counting rule at work: a line crossing whose events carry the counts, that crossing included."""

    counts = Counts()

    def observe(self, update: TrackUpdate) -> Iterator[RuleTriggered]:
        """See RuleState."""
        for event in super().observe(update):
            a_to_b = int(event.direction == CrossingDirection.A_TO_B)
            now = self.counts = Counts(self.counts.a_to_b + a_to_b, self.counts.b_to_a + 1 - a_to_b)
            yield replace(event, count=now.total, count_a_to_b=now.a_to_b, count_b_to_a=now.b_to_a)
