"""What clients want in the metadata stream of each channel, kept across restarts."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass
from typing import Any, Final

from lxml import etree

from onvif_server.backend import Memory
from onvif_server.events.filters import FilterError, TopicFilter, parse_filter
from onvif_server.soap import names

_LOGGER = logging.getLogger(__name__)
_KEY: Final = "metadata"


@dataclass(frozen=True, slots=True, kw_only=True)
class MetadataSetting:
    """What a channel's metadata stream tells.

    `event_topics` are topic expressions with our own prefixes (`tns1:VideoSource//.|tns1:Device//.`); empty: every
    event, None: no events at all. `events` is the same as a filter; make settings with `metadata_setting`.
    """

    analytics: bool = True
    ptz_status: bool = True
    ptz_position: bool = True
    event_topics: tuple[str, ...] | None = ()
    events: TopicFilter | None = TopicFilter()  # noqa: RUF009 - it is frozen


def metadata_setting(
    *, analytics: bool, ptz_status: bool, ptz_position: bool, event_topics: tuple[str, ...] | None
) -> MetadataSetting:
    """A setting with the filter that belongs to the topic expressions. Raises FilterError for what is none."""
    return MetadataSetting(
        analytics=analytics,
        ptz_status=ptz_status,
        ptz_position=ptz_position,
        event_topics=event_topics,
        events=None if event_topics is None else _filter(event_topics),
    )


class MetadataSettings:
    """The settings of all channels. What is kept but cannot be read is logged, and the default holds."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._changing = asyncio.Lock()
        self._settings = _read(memory)

    def forget(self) -> None:
        """Goes back to what the memory holds, for somebody emptied it."""
        self._settings = _read(self._memory)

    def of(self, channel: str) -> MetadataSetting:
        """The present setting of a channel, by its token."""
        return self._settings.get(channel, MetadataSetting())

    async def set(self, channel: str, setting: MetadataSetting) -> None:
        """Keeps a setting; it holds from now on. Raises OSError if it cannot be kept (then nothing changes)."""
        async with self._changing:
            settings = self._settings | {channel: setting}
            await self._memory.write(_KEY, _written(settings))
            self._settings = settings


def filter_element(event_topics: tuple[str, ...]) -> etree._Element:
    """The wsnt:Filter of topic expressions."""
    element = etree.Element(names.tag(names.NOTIFICATION, "Filter"), nsmap=names.PREFIXES)
    for text in event_topics:
        expression = etree.SubElement(element, names.tag(names.NOTIFICATION, "TopicExpression"))
        expression.set("Dialect", names.CONCRETE_SET)
        expression.text = text
    return element


def _filter(event_topics: tuple[str, ...]) -> TopicFilter:
    # Which topics the device has may change with a restart; a filter for one that is gone is no mistake then.
    existing = [part.strip().removesuffix("//.") for text in event_topics for part in text.split("|")]
    return parse_filter(filter_element(event_topics), existing)


def _written(settings: dict[str, MetadataSetting]) -> str:
    return json.dumps(
        {
            channel: {
                "analytics": setting.analytics,
                "ptz_status": setting.ptz_status,
                "ptz_position": setting.ptz_position,
                "event_topics": setting.event_topics,
            }
            for channel, setting in settings.items()
        }
    )


def _read(memory: Memory) -> dict[str, MetadataSetting]:
    try:
        text = memory.read(_KEY)
        return {} if text is None else {channel: _setting(kept) for channel, kept in json.loads(text).items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, FilterError) as error:
        _LOGGER.warning("what is kept of metadata settings cannot be used: %s", error)
        return {}


def _setting(kept: Any) -> MetadataSetting:
    topics = kept["event_topics"]
    if topics is not None and not all(isinstance(text, str) for text in topics):
        raise ValueError("topic expressions are texts")
    return metadata_setting(
        analytics=kept["analytics"] is True,
        ptz_status=kept["ptz_status"] is True,
        ptz_position=kept["ptz_position"] is True,
        event_topics=None if topics is None else tuple(topics),
    )
