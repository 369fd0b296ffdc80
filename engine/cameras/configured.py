"""What hangs on one of a channel's media configurations."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from engine.cameras.errors import CameraFault
from engine.cameras.protocols import CameraUnreachable
from engine.cameras.soap import SoapClient
from engine.cameras.soap_services import Service


async def options_of[Options](
    client: SoapClient, configuration: str | None, ask: Callable[[SoapClient, str], Awaitable[Options]]
) -> Options | None:
    """What a configuration can be set to; None where the camera has no Media2 or does not tell. Raises CameraError."""
    if configuration is None or not client.offers(Service.MEDIA2):
        return None
    try:
        return await ask(client, configuration)
    except CameraFault:
        return None


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
