"""The event service: pull points (ONVIF Core, chapter 9)."""

from __future__ import annotations

from lxml import etree

from onvif_server.backend import Topic
from onvif_server.events.broker import Broker
from onvif_server.events.filters import FilterError, parse_filter
from onvif_server.events.messages import append_notification, append_topic_set
from onvif_server.events.subscriptions import PullPoint, Subscriptions, TooManySubscriptions
from onvif_server.security.access import Access
from onvif_server.services import catalogue
from onvif_server.settings import DeviceSettings
from onvif_server.soap import names
from onvif_server.soap.faults import Fault, notification_fault
from onvif_server.soap.operations import Call, Values, operation
from onvif_server.soap.values import parse_duration, parse_time, seconds_of, xml_time


class EventService:
    """Makes pull points, hands out their messages, renews and ends them."""

    def __init__(self, broker: Broker, subscriptions: Subscriptions, settings: DeviceSettings) -> None:
        self._broker = broker
        self._subscriptions = subscriptions
        self._settings = settings

    def capabilities(self) -> Values:
        """The capabilities of this service."""
        return {
            "WSSubscriptionPolicySupport": False,
            "WSPausableSubscriptionManagerInterfaceSupport": False,
            "MaxNotificationProducers": 0,
            "MaxPullPoints": self._settings.maximum_subscriptions,
            "PersistentNotificationStorage": False,
        }

    @operation(names.EVENTS, "GetServiceCapabilities", Access.PRE_AUTH)
    async def get_service_capabilities(self, call: Call) -> Values:
        """What this service can do."""
        return {"Capabilities": self.capabilities()}

    @operation(names.EVENTS, "GetEventProperties", Access.READ_MEDIA)
    async def get_event_properties(self, call: Call) -> etree._Element:
        """All topics with the descriptions of their messages."""
        return event_properties(self._broker.topics)

    @operation(names.EVENTS, "CreatePullPointSubscription", Access.READ_MEDIA)
    async def create_pull_point_subscription(self, call: Call) -> Values:
        """A new pull point, which holds the present state of all properties that pass its filter."""
        try:
            topic_filter = parse_filter(
                call.message.find(names.tag(names.EVENTS, "Filter")),
                [topic.path for topic in self._broker.topics],
            )
        except FilterError as error:
            raise self._fault(error.fault, str(error), _unknown_filter(error.unknown)) from error
        termination = call.message.findtext(names.tag(names.EVENTS, "InitialTerminationTime"))
        lifetime_s = self._lifetime_s(termination, "UnacceptableInitialTerminationTimeFault")
        try:
            point = self._subscriptions.create(topic_filter, lifetime_s)
        except TooManySubscriptions as error:
            reason = f"all {self._settings.maximum_subscriptions} subscriptions are taken"
            raise self._fault("SubscribeCreationFailedFault", reason) from error
        address = f"{call.base_url}{catalogue.SUBSCRIPTION_PATH}{point.identifier}"
        return {"SubscriptionReference": {"Address": {"_value_1": address}}, **self._times(point)}

    @operation(names.EVENTS, "PullMessages", Access.READ_MEDIA)
    async def pull_messages(self, call: Call) -> etree._Element:
        """The messages that wait, or that come before the time-out. Each pull keeps the pull point alive."""
        point = self._point(call)
        if call.value.MessageLimit < 0:
            raise Fault("InvalidArgVal", reason="the message limit must not be negative")
        limit = min(call.value.MessageLimit, self._settings.maximum_pull_messages)
        timeout_s = min(_pull_seconds(call.value.Timeout), self._settings.maximum_pull_s)
        self._keep_alive(point, timeout_s)
        messages = await point.pull(max(limit, 1), timeout_s, call.connected)
        self._keep_alive(point, 0.0)
        response = etree.Element(names.tag(names.EVENTS, "PullMessagesResponse"), nsmap=names.PREFIXES)
        for name, at in self._times(point).items():
            etree.SubElement(response, names.tag(names.EVENTS, name)).text = at
        for message in messages:
            append_notification(response, message)
        return response

    @operation(names.EVENTS, "SetSynchronizationPoint", Access.READ_MEDIA)
    async def set_synchronization_point(self, call: Call) -> Values:
        """Sends the present state of all properties again."""
        self._subscriptions.synchronize(self._point(call))
        return {}

    @operation(names.NOTIFICATION, "Renew", Access.READ_MEDIA)
    async def renew(self, call: Call) -> Values:
        """Lengthens (or shortens) the life of a pull point."""
        point = self._point(call)
        termination = call.message.findtext(names.tag(names.NOTIFICATION, "TerminationTime"))
        point.expires_at = self._settings.now() + self._lifetime_s(termination, "UnacceptableTerminationTimeFault")
        return self._times(point)

    @operation(names.NOTIFICATION, "Unsubscribe", Access.READ_MEDIA)
    async def unsubscribe(self, call: Call) -> Values:
        """Ends a pull point."""
        self._subscriptions.end(self._point(call))
        return {}

    def _point(self, call: Call) -> PullPoint:
        point = self._subscriptions.find(call.subscription) if call.subscription else None
        if point is None:
            reason = "there is no such subscription, or it has ended"
            raise notification_fault(
                "ResourceUnknownFault", reason, xml_time(self._settings.now()), namespace=names.RESOURCE
            )
        return point

    def _fault(self, name: str, reason: str, extra: etree._Element | None = None) -> Fault:
        return notification_fault(name, reason, xml_time(self._settings.now()), extra=extra)

    def _unacceptable_time(self, name: str, reason: str) -> Fault:
        soonest = etree.Element(names.tag(names.NOTIFICATION, "MinimumTime"))
        soonest.text = xml_time(self._settings.now() + 1)
        return self._fault(name, reason, soonest)

    def _times(self, point: PullPoint) -> dict[str, str]:
        return {"CurrentTime": xml_time(self._settings.now()), "TerminationTime": xml_time(point.expires_at)}

    def _keep_alive(self, point: PullPoint, beyond_s: float) -> None:
        soonest = self._settings.now() + beyond_s + self._settings.default_subscription_s
        point.expires_at = max(point.expires_at, soonest)

    def _lifetime_s(self, termination: str | None, fault: str) -> float:
        """How long a subscription lives that asks to end at `termination`, at most what we grant."""
        if termination is None or not termination.strip():
            return self._settings.default_subscription_s
        text = termination.strip()
        try:
            if text.startswith(("P", "-P")):
                lifetime_s = parse_duration(text).total_seconds()
            else:
                lifetime_s = parse_time(text) - self._settings.now()
        except (ValueError, OverflowError) as error:
            raise self._unacceptable_time(fault, f"{text!r} is neither a duration nor a time") from error
        if lifetime_s <= 0:
            raise self._unacceptable_time(fault, f"the termination time {text} has passed")
        return min(lifetime_s, self._settings.maximum_subscription_s)


def _unknown_filter(tag: str | None) -> etree._Element | None:
    if tag is None:
        return None
    name = etree.QName(tag)
    namespace = name.namespace or "urn:none"
    # lxml drops the declaration of a second prefix for the same namespace, so ours is used where there is one.
    prefix = next((ours for ours, known in names.PREFIXES.items() if known == namespace), "filter")
    element = etree.Element(names.tag(names.NOTIFICATION, "UnknownFilter"), nsmap={prefix: namespace})
    element.text = f"{prefix}:{name.localname}"
    return element


def _pull_seconds(timeout: object) -> float:
    try:
        return max(seconds_of(timeout).total_seconds(), 0.0)
    except ValueError as error:
        raise Fault("InvalidArgVal", reason=f"the time-out cannot be used: {error}") from error


def event_properties(topics: tuple[Topic, ...]) -> etree._Element:
    """The tev:GetEventPropertiesResponse."""

    def tev(name: str) -> str:
        return names.tag(names.EVENTS, name)

    response = etree.Element(tev("GetEventPropertiesResponse"), nsmap=names.PREFIXES)
    topics_location = "http://www.onvif.org/onvif/ver10/topics/topicns.xml"
    schema_location = "http://www.onvif.org/ver10/schema/onvif.xsd"
    etree.SubElement(response, tev("TopicNamespaceLocation")).text = topics_location
    etree.SubElement(response, names.tag(names.NOTIFICATION, "FixedTopicSet")).text = "true"
    append_topic_set(response, topics)
    for dialect in (names.CONCRETE_TOPIC, names.CONCRETE_SET):
        etree.SubElement(response, names.tag(names.NOTIFICATION, "TopicExpressionDialect")).text = dialect
    # One empty address says that messages cannot be filtered by their content.
    etree.SubElement(response, tev("MessageContentFilterDialect"))
    etree.SubElement(response, tev("MessageContentSchemaLocation")).text = schema_location
    return response
