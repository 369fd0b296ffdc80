"""The event service: pull points and base notification (ONVIF Core, chapter 9)."""

from __future__ import annotations

from lxml import etree

from onvif_server.backend import Topic
from onvif_server.events.broker import Broker
from onvif_server.events.consumers import parse_reference
from onvif_server.events.destinations import ConsumerError, find_consumer
from onvif_server.events.event_brokers import EventBrokers, mqtt_protocols
from onvif_server.events.filters import EventFilter, FilterError, parse_event_filter, parse_topic
from onvif_server.events.messages import append_message, append_notification, append_topic_set
from onvif_server.events.queues import PullPoint, Subscription
from onvif_server.events.subscriptions import Subscriptions, TooManySubscriptions
from onvif_server.security.access import Access
from onvif_server.services import catalogue
from onvif_server.settings import DeviceSettings
from onvif_server.soap import names
from onvif_server.soap.faults import Fault, notification_fault
from onvif_server.soap.operations import Call, Values, operation
from onvif_server.soap.values import parse_duration, parse_time, seconds_of, xml_time


class EventService:
    """Makes subscriptions, hands out the messages of pull points, renews and ends them."""

    def __init__(
        self, broker: Broker, subscriptions: Subscriptions, event_brokers: EventBrokers, settings: DeviceSettings
    ) -> None:
        self._broker = broker
        self._event_brokers = event_brokers
        self._subscriptions = subscriptions
        self._settings = settings

    def capabilities(self) -> Values:
        """The capabilities of this service."""
        return {
            "WSSubscriptionPolicySupport": False,
            "WSPausableSubscriptionManagerInterfaceSupport": False,
            "MaxNotificationProducers": self._settings.maximum_consumers,
            "MaxPullPoints": self._settings.maximum_subscriptions,
            "PersistentNotificationStorage": False,
            "EventBrokerProtocols": " ".join(mqtt_protocols()),
            "MaxEventBrokers": self._event_brokers.maximum,
            "MetadataOverMQTT": bool(self._event_brokers.maximum),
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
        event_filter = self._filter(call, names.EVENTS)
        lifetime_s = self._initial_lifetime_s(call, names.EVENTS, self._settings.default_subscription_s)
        try:
            point = self._subscriptions.create(call.caller.username, event_filter, lifetime_s)
        except TooManySubscriptions as error:
            raise self._full(error) from error
        return self._created(call, point)

    @operation(names.NOTIFICATION, "Subscribe", Access.READ_MEDIA)
    async def subscribe(self, call: Call) -> Values:
        """Sends messages to the consumer that the client names, the present state of all properties first."""
        event_filter = self._filter(call, names.NOTIFICATION)
        lifetime_s = self._initial_lifetime_s(call, names.NOTIFICATION, self._settings.maximum_subscription_s)
        try:
            reference = parse_reference(call.message.find(names.tag(names.NOTIFICATION, "ConsumerReference")))
            resolver = await find_consumer(reference.address, call.caller.address, self._settings.notify_timeout_s)
            manager_root = f"{call.base_url}{catalogue.SUBSCRIPTION_PATH}"
            consumer = self._subscriptions.create_consumer(
                call.caller.username, event_filter, lifetime_s, reference, resolver, manager_root
            )
        except ConsumerError as error:
            raise self._fault("SubscribeCreationFailedFault", str(error)) from error
        except TooManySubscriptions as error:
            raise self._full(error) from error
        return self._created(call, consumer)

    @operation(names.NOTIFICATION, "GetCurrentMessage", Access.READ_MEDIA)
    async def get_current_message(self, call: Call) -> etree._Element:
        """The newest state of a property; of other events none is kept."""
        topic = call.message.find(names.tag(names.NOTIFICATION, "Topic"))
        try:
            wanted = parse_topic(call.message if topic is None else topic, [one.path for one in self._broker.topics])
        except FilterError as error:
            raise self._fault(error.fault, str(error)) from error
        found = [message for message in self._broker.state() if wanted.matches(message.topic)]
        if not found:
            raise self._fault("NoCurrentMessageOnTopicFault", "nothing is known of this topic now")
        response = etree.Element(names.tag(names.NOTIFICATION, "GetCurrentMessageResponse"), nsmap=names.PREFIXES)
        append_message(response, max(found, key=lambda message: message.at))
        return response

    @operation(names.EVENTS, "PullMessages", Access.READ_MEDIA)
    async def pull_messages(self, call: Call) -> etree._Element:
        """The messages that wait, or that come before the time-out. Each pull keeps the pull point alive."""
        point = self._point(call)
        if not isinstance(point, PullPoint):
            raise Fault("ActionNotSupported", reason="the messages of this subscription are sent to its consumer")
        if call.value.MessageLimit < 0:
            raise Fault("InvalidArgVal", reason="the message limit must not be negative")
        limit = min(call.value.MessageLimit, self._settings.maximum_pull_messages)
        timeout_s = _pull_seconds(call.value.Timeout)
        if timeout_s > self._settings.maximum_pull_s:
            # An empty answer before the client's time-out is not allowed, so a shorter wait is no way out.
            raise self._too_long_pull()
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
        """Lengthens (or shortens) the life of a subscription."""
        point = self._point(call)
        termination = call.message.findtext(names.tag(names.NOTIFICATION, "TerminationTime"))
        lifetime_s = self._lifetime_s(
            termination, "UnacceptableTerminationTimeFault", self._settings.default_subscription_s
        )
        point.expires_at = self._settings.now() + lifetime_s
        return self._times(point)

    @operation(names.NOTIFICATION, "Unsubscribe", Access.READ_MEDIA)
    async def unsubscribe(self, call: Call) -> Values:
        """Ends a subscription."""
        self._subscriptions.end(self._point(call))
        return {}

    def _filter(self, call: Call, namespace: str) -> EventFilter:
        policy = call.message.find(names.tag(namespace, "SubscriptionPolicy"))
        changed_only = names.tag(names.EVENTS, "ChangedOnly")
        wanted = [] if policy is None else [part.tag for part in policy]
        if any(tag != changed_only for tag in wanted):
            raise self._fault("UnsupportedPolicyRequestFault", "the only policy that is supported is tev:ChangedOnly")
        try:
            return parse_event_filter(
                call.message.find(names.tag(namespace, "Filter")),
                [topic.path for topic in self._broker.topics],
                changed_only=bool(wanted),
            )
        except FilterError as error:
            raise self._fault(error.fault, str(error), _unknown_filter(error.unknown)) from error

    def _initial_lifetime_s(self, call: Call, namespace: str, default_s: float) -> float:
        termination = call.message.findtext(names.tag(namespace, "InitialTerminationTime"))
        return self._lifetime_s(termination, "UnacceptableInitialTerminationTimeFault", default_s)

    def _created(self, call: Call, point: Subscription) -> Values:
        address = f"{call.base_url}{catalogue.SUBSCRIPTION_PATH}{point.identifier}"
        return {"SubscriptionReference": {"Address": {"_value_1": address}}, **self._times(point)}

    def _full(self, error: TooManySubscriptions) -> Fault:
        at = xml_time(self._settings.now())
        # Not the client's mistake: the same request can succeed later.
        return notification_fault("SubscribeCreationFailedFault", str(error), at, sender=False)

    def _too_long_pull(self) -> Fault:
        longest_s, most = self._settings.maximum_pull_s, self._settings.maximum_pull_messages
        detail = etree.Element(names.tag(names.EVENTS, "PullMessagesFaultResponse"), nsmap=names.PREFIXES)
        etree.SubElement(detail, names.tag(names.EVENTS, "MaxTimeout")).text = f"PT{longest_s:g}S"
        etree.SubElement(detail, names.tag(names.EVENTS, "MaxMessageLimit")).text = str(most)
        return Fault("InvalidArgVal", reason=f"the time-out is {longest_s:g} seconds at most", detail=detail)

    def _point(self, call: Call) -> Subscription:
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

    def _times(self, point: Subscription) -> dict[str, str]:
        return {"CurrentTime": xml_time(self._settings.now()), "TerminationTime": xml_time(point.expires_at)}

    def _keep_alive(self, point: PullPoint, beyond_s: float) -> None:
        soonest = self._settings.now() + beyond_s + self._settings.default_subscription_s
        point.expires_at = max(point.expires_at, soonest)

    def _lifetime_s(self, termination: str | None, fault: str, default_s: float) -> float:
        """How long a subscription lives that asks to end at `termination`, at most what we grant."""
        if termination is None or not termination.strip():
            return default_s
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
    etree.SubElement(response, tev("MessageContentFilterDialect")).text = names.ITEM_FILTER
    etree.SubElement(response, tev("MessageContentSchemaLocation")).text = schema_location
    return response
