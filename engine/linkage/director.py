"""All links of a site: hands each what concerns it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from engine.core.events import RuleTriggered
from engine.core.values import TrackUpdate
from engine.linkage.link import LinkDirector


class UnknownLink(KeyError):  # noqa: N818 - a statement about the id
    """There is no link of that id."""

    def __str__(self) -> str:
        return f"there is no link {self.args[0]!r}"


class Director:
    """The directors of all links, by link id.

    Feed it with every TrackUpdate and RuleTriggered; ask `link` for what an operator wants.
    """

    def __init__(self, links: Iterable[LinkDirector]) -> None:
        self._links = {link.settings.link_id: link for link in links}

    @property
    def links(self) -> Mapping[str, LinkDirector]:
        """All of them."""
        return self._links

    def link(self, link_id: str) -> LinkDirector:
        """One of them; raises UnknownLink."""
        try:
            return self._links[link_id]
        except KeyError:
            raise UnknownLink(link_id) from None

    async def start(self) -> None:
        """Lets all of them work."""
        for link in self._links.values():
            await link.start()

    async def close(self) -> None:
        """Ends the work of all of them."""
        for link in self._links.values():
            await link.close()

    def on_tracks(self, update: TrackUpdate) -> None:
        """Takes in the tracks of a channel's newest frame."""
        for link in self._links.values():
            link.on_tracks(update)

    def on_rule(self, event: RuleTriggered) -> None:
        """Takes in a rule's event."""
        for link in self._links.values():
            link.on_rule(event)
