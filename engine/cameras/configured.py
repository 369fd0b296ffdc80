"""What hangs on one of a channel's media configurations."""

from __future__ import annotations

from engine.cameras.protocols import CameraUnreachable
from engine.cameras.soap import SoapClient


class Configured:
    """Forwards what a configuration of the camera tells. It stays the same object over reconnections.

    `what` it is, for messages.
    """

    what: str

    def __init__(self, client: SoapClient) -> None:
        self._client = client
        self._configuration: str | None = None

    def attach(self, configuration: str | None) -> None:
        """Takes over which configuration the channel's profile has."""
        self._configuration = configuration

    def _token(self) -> str:
        if self._configuration is None:
            raise CameraUnreachable(
                self._client.name, self._client.address, f"{self.what} not known", "wait until it is connected"
            )
        return self._configuration
