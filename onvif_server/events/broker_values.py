"""What an event broker is, and what is sent to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

CHECKED: Final = "CertificateAuthorities"
"""The name of the policy by which a broker's certificate is checked against certificate authorities."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventBroker:
    """A broker and what it gets. `publish` is a ConcreteSet expression with our own prefixes, empty for all events."""

    address: str
    topic_prefix: str
    username: str = ""
    password: str = field(default="", repr=False)
    publish: str = ""
    qos: int = 0
    metadata: str | None = None
    """Which metadata it gets, as `publish`: empty for all, None for none."""
    policy: str = ""
    """By which policy its certificate is checked: CHECKED, or empty, where the device's settings decide."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a broker listens."""

    host: str
    port: int
    tls: bool


@dataclass(frozen=True, slots=True)
class Publication:
    """An MQTT message. An empty payload makes the broker forget the retained one."""

    topic: str
    payload: bytes
    retain: bool
