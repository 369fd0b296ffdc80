"""Composes metadata documents from the host's frames and the broker's events, for whoever sends them to clients."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Final, Protocol

from lxml import etree

from onvif_server import tokens
from onvif_server.analytics.modules import ModuleMemory
from onvif_server.backend import Backend, SceneFrame
from onvif_server.events.broker import Broker, Message
from onvif_server.events.messages import append_notification
from onvif_server.media.metadata_settings import MetadataSetting, MetadataSettings
from onvif_server.metadata.frames import append_frame, append_ptz_status
from onvif_server.metadata.json_text import json_payload
from onvif_server.soap import names

_LOGGER = logging.getLogger(__name__)


class Mirror(Protocol):
    """Whoever publishes metadata elsewhere, as JSON; `onvif_server.events.event_brokers.EventBrokers` is one."""

    @property
    def wants_metadata(self) -> bool:
        """Whether anybody listens there."""
        ...

    def publish_metadata(self, kind: str, producer: tuple[str, str], payload: bytes) -> None:
        """Publishes one frame; never waits."""
        ...


type Sink = Callable[[bytes, float], None]
"""Takes a document and the time that it speaks of (Unix seconds); must not wait."""

_T: Final = f"{{{names.SCHEMA}}}"
_FRAME_PREFIXES: Final = {"tt": names.SCHEMA}
_CHANNEL_TOKENS: Final = (
    tokens.profile,
    tokens.video_source,
    tokens.video_source_configuration,
    tokens.video_encoder_configuration,
    tokens.analytics_configuration,
    tokens.metadata_configuration,
    tokens.ptz_node,
    tokens.ptz_configuration,
)


class MetadataFeed:
    """The metadata of all channels: the host publishes what it sees, and its RTSP server listens.

    Each document is made once for all who listen to its channel, and not at all while nobody does. What it holds is
    up to the channel's metadata configuration and analytics modules.
    """

    def __init__(self, backend: Backend, broker: Broker, settings: MetadataSettings, modules: ModuleMemory) -> None:
        self._backend = backend
        self._broker = broker
        self._settings = settings
        self._modules = modules
        self._sinks: dict[str, list[Sink]] = {}
        self._owners = {make(one.token): one.token for one in backend.channels for make in _CHANNEL_TOKENS}
        self.mirror: Mirror | None = None
        broker.listen(self._event)

    def publish(self, frame: SceneFrame) -> None:
        """Tells what is in a picture; never waits. Also publish frames without objects: they are the heartbeat."""
        if self.mirror is not None and self.mirrored:
            self._publish_mirrored(frame, self.mirror)
        if not self._sinks.get(frame.channel):
            return
        root = etree.Element(f"{_T}MetadataStream", nsmap=_FRAME_PREFIXES)
        setting = self._settings.of(frame.channel)
        if setting.analytics:
            self._append_analytics(root, frame)
        self._append_ptz(root, frame, setting)
        self._send(frame.channel, root, frame.at)

    @property
    def mirrored(self) -> bool:
        """Whether metadata is wanted although nobody listens to a stream."""
        return self.mirror is not None and self.mirror.wants_metadata

    def _publish_mirrored(self, frame: SceneFrame, mirror: Mirror) -> None:
        """The frame of every module, and where the camera looks, each as a message of its own."""
        profile = tokens.profile(frame.channel)
        modules = self._modules.of(frame.channel) if self._backend.analytics(frame.channel) is not None else ()
        for module in modules:
            holder = etree.Element(f"{_T}VideoAnalytics", nsmap=_FRAME_PREFIXES)
            append_frame(holder, frame, module)
            mirror.publish_metadata("tns1:VideoAnalytics", (profile, module.name), json_payload(holder[0]))
        ptz = self._backend.ptz(frame.channel)
        if frame.ptz is not None and ptz is not None:
            holder = etree.Element(f"{_T}PTZ", nsmap=_FRAME_PREFIXES)
            append_ptz_status(holder, frame.ptz, ptz.capabilities, position=True, moving=True)
            producer = (profile, tokens.ptz_configuration(frame.channel))
            mirror.publish_metadata("tns1:PTZ", producer, json_payload(holder[0]))

    def listen(self, channel: str, sink: Sink) -> Callable[[], None]:
        """Gives every document of a channel to `sink` from now on; the returned function ends that.

        Follow it with `synchronize`, so that a new client learns the state of all properties.
        """
        self._sinks.setdefault(channel, []).append(sink)

        def cancel() -> None:
            if sink in self._sinks.get(channel, ()):
                self._sinks[channel].remove(sink)

        return cancel

    def synchronize(self, channel: str) -> None:
        """Tells the present state of every property, in one document."""
        if self._sinks.get(channel):
            messages = [message for message in self._broker.state() if self._belongs(message, channel)]
            self._send_events(channel, messages)

    def _append_analytics(self, root: etree._Element, frame: SceneFrame) -> None:
        modules = self._modules.of(frame.channel)
        if modules:
            analytics = etree.SubElement(root, f"{_T}VideoAnalytics")
            for module in modules:
                append_frame(analytics, frame, module)

    def _append_ptz(self, root: etree._Element, frame: SceneFrame, setting: MetadataSetting) -> None:
        ptz = self._backend.ptz(frame.channel)
        if frame.ptz is None or ptz is None or not (setting.ptz_status or setting.ptz_position):
            return
        append_ptz_status(
            etree.SubElement(root, f"{_T}PTZ"),
            frame.ptz,
            ptz.capabilities,
            position=setting.ptz_position,
            moving=setting.ptz_status,
        )

    def _event(self, message: Message) -> None:
        for channel, sinks in self._sinks.items():
            if sinks and self._belongs(message, channel):
                self._send_events(channel, (message,))

    def _belongs(self, message: Message, channel: str) -> bool:
        """Whether the channel's stream tells an event: one of its own, or one that speaks of no channel at all."""
        owners = {self._owners[value] for _, value in message.source if value in self._owners}
        return not owners or channel in owners

    def _send_events(self, channel: str, messages: Iterable[Message]) -> None:
        wanted = self._settings.of(channel).events
        told = [] if wanted is None else [message for message in messages if wanted.matches(message.topic)]
        if not told:
            return
        # A topic is a QName in text: its prefix must be declared.
        prefixes = {"tt", "wsnt", *(message.topic.partition(":")[0] for message in told)}
        root = etree.Element(f"{_T}MetadataStream", nsmap={prefix: names.PREFIXES[prefix] for prefix in prefixes})
        events = etree.SubElement(root, f"{_T}Event")
        for message in told:
            append_notification(events, message)
        self._send(channel, root, max(message.at for message in told))

    def _send(self, channel: str, root: etree._Element, at: float) -> None:
        if len(root) == 0:
            return
        document = etree.tostring(root, xml_declaration=True, encoding="utf-8")
        for sink in tuple(self._sinks[channel]):
            try:
                sink(document, at)
            except Exception:
                # One client's trouble is not the others', nor the host's that published the frame.
                _LOGGER.exception("a listener to the metadata of %s failed", channel)
