"""Tells clients that the rules of a channel are others, whoever changed them."""

from __future__ import annotations

from collections.abc import Callable

from onvif_server.backend import Backend, Rule


class RuleNews:
    """Knows what the rules were when somebody looked last, and so tells each change once.

    A client's request and the host may both say that something has changed: the second finds nothing new. `tell` is
    told the channel.
    """

    def __init__(self, backend: Backend, tell: Callable[[str], None]) -> None:
        self._backend = backend
        self._tell = tell
        self._known = self._present()

    def look(self) -> None:
        """Tells the channels whose rules are others than the last time."""
        before, self._known = self._known, self._present()
        for channel, rules in self._known.items():
            if before.get(channel) != rules:
                self._tell(channel)

    def _present(self) -> dict[str, tuple[Rule, ...]]:
        found = ((channel.token, self._backend.analytics(channel.token)) for channel in self._backend.channels)
        return {token: tuple(analytics.rules()) for token, analytics in found if analytics is not None}
