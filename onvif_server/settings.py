"""What can be set on a device. The defaults suit a device on a local network."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

LARGEST_REQUEST_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerTrust:
    """Which MQTT brokers are trusted with events and with their passwords, when they are reached by TLS.

    A broker's certificate must come from an authority that the system knows, or one in the PEM file `authorities`,
    and be for the name or address by which the broker is reached. `always` False is the letter of the standard, by
    which a certificate is checked only where a client names a policy for it: anybody on the way can be the broker then.
    """

    authorities: Path | None = None
    always: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceSettings:
    """Limits and times of one device."""

    now: Callable[[], float] = time.time
    """The clock, Unix seconds. Tests put another in its place."""

    realm: str = "ONVIF"
    digest_algorithms: tuple[str, ...] = ("MD5",)
    nonce_lifetime_s: float = 300.0
    token_window_s: float = 300.0
    """How far the time of a WS-UsernameToken may be from ours."""

    maximum_request_bytes: int = 256 * 1024
    """The largest request that is read; more than a mebibyte cannot be set (ValueError)."""

    request_timeout_s: float = 20.0
    """How long a client may take to send a request."""

    maximum_subscriptions: int = 64
    maximum_subscriptions_of_user: int = 48
    """So many of them one user may have: some are left for others."""

    default_subscription_s: float = 60.0
    """The life of a subscription whose client names none; each pull renews it."""

    maximum_subscription_s: float = 3600.0
    maximum_pull_s: float = 3600.0
    """How long a pull may wait; who wants to wait longer is refused. The standard asks for a minute at least."""

    maximum_pull_messages: int = 1000
    queue_limit: int = 1000
    """Messages kept for a client that does not pull; beyond that the oldest are lost."""

    def __post_init__(self) -> None:
        if not 0 < self.maximum_request_bytes <= LARGEST_REQUEST_BYTES:
            raise ValueError(f"maximum_request_bytes is at most {LARGEST_REQUEST_BYTES}")

    maximum_consumers: int = 16
    """Subscriptions of base notification, whose messages the device sends by itself."""

    maximum_consumers_of_user: int = 12

    notify_timeout_s: float = 10.0
    """How long a consumer may take to answer a notification."""

    notify_attempts: int = 8
    """So often one notification is tried, with pauses that double; then the subscription ends."""

    notify_pause_s: float = 1.0
    notify_maximum_pause_s: float = 30.0

    maximum_event_brokers: int = 4
    """MQTT brokers that events go to, where the MQTT library is installed."""

    broker_trust: BrokerTrust = field(default_factory=BrokerTrust)
