"""Where the relay is reached, through all restarts of the media process."""

from __future__ import annotations

import logging

from engine.media.messages import Ready, Start
from engine.media.values import Delivery, MediaError, MediaSettings, Tracks, path_suffix

_log = logging.getLogger(__name__)


class RelayReach:
    """The relay's ports: those of the settings, and once it has listened those that it has got."""

    def __init__(self, settings: MediaSettings) -> None:
        self._host = settings.relay_host
        self.port = settings.relay_port
        self.secure_port = settings.secure_port
        self.is_secure = False
        """Whether there is RTSPS now."""
        self._trouble = ""

    def order(self, settings: MediaSettings) -> Start:
        """What a new media process is told: to listen where the former one did."""
        return Start(
            relay_host=settings.relay_host,
            relay_port=self.port,
            history_s=settings.history_s,
            secure_port=self.secure_port,
            tls_certificate=settings.tls_certificate,
            tls_key=settings.tls_key,
            max_clients=settings.max_clients,
            login_s=settings.login_s,
        )

    def take(self, ready: Ready) -> None:
        """The relay listens. A trouble of its RTSPS is logged, once as long as it lasts."""
        self.port = ready.relay_port
        self.is_secure = ready.secure_port is not None
        self.secure_port = ready.secure_port or self.secure_port
        if ready.trouble and ready.trouble != self._trouble:
            _log.warning("the relay has no RTSPS: %s", ready.trouble)
        self._trouble = ready.trouble

    def url(self, channel: str, host: str | None, tracks: Tracks, delivery: Delivery) -> str:
        """The address of a channel. Raises MediaError for a secure one where there is no RTSPS."""
        secure = delivery in {Delivery.SECURE, Delivery.SRTP}
        if secure and not self.is_secure:
            raise MediaError(
                "the relay has no certificate, and so no RTSPS; give tls_certificate and tls_key"
                + (f" ({self._trouble})" if self._trouble else "")
            )
        scheme, port = ("rtsps", self.secure_port) if secure else ("rtsp", self.port)
        host = host or self._host
        if host in {"0.0.0.0", "::", ""}:  # noqa: S104 - compared, not bound
            host = "127.0.0.1"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}/{channel}{path_suffix(tracks, delivery)}"
