"""An ONVIF device: everything put together."""

from __future__ import annotations

from aiohttp import web

from onvif_server.backend import Backend, Users
from onvif_server.endpoint import Endpoint
from onvif_server.events.broker import Broker
from onvif_server.events.subscriptions import Subscriptions
from onvif_server.security.authenticator import Authenticator
from onvif_server.security.digest import DigestScheme
from onvif_server.security.username_token import UsernameTokenScheme
from onvif_server.services.device import DeviceService
from onvif_server.services.device_io import DeviceIoService
from onvif_server.services.events import EventService
from onvif_server.services.media import MediaService
from onvif_server.services.media2 import Media2Service
from onvif_server.services.ptz import PtzService
from onvif_server.settings import DeviceSettings
from onvif_server.soap import names
from onvif_server.soap.dispatcher import Dispatcher
from onvif_server.soap.operations import registrations
from onvif_server.soap.schema import load_schemas


class OnvifDevice:
    """A device on the network that stands for a backend.

    Either `start` it on a port of its own, or put `routes` into an aiohttp application that runs already (and
    `stop` it with that). Events go into `broker`.
    """

    def __init__(self, backend: Backend, users: Users, settings: DeviceSettings | None = None) -> None:
        settings = settings or DeviceSettings()
        schemas = load_schemas()
        self.broker = Broker(backend.topics, settings.now)
        self._subscriptions = Subscriptions(self.broker, settings)
        device = DeviceService(backend, users, settings, schemas)
        media, media2, ptz = MediaService(backend), Media2Service(backend), PtzService(backend)
        events, device_io = EventService(self.broker, self._subscriptions, settings), DeviceIoService(backend)
        device.capability_sources = {
            names.DEVICE: device.capabilities(),
            names.MEDIA: media.capabilities(),
            names.MEDIA2: media2.capabilities(),
            names.PTZ: ptz.capabilities(),
            names.EVENTS: events.capabilities(),
            names.DEVICE_IO: device_io.capabilities(),
        }
        authenticator = Authenticator(
            users,
            DigestScheme(users, settings.realm, settings.now, settings.nonce_lifetime_s, settings.digest_algorithms),
            UsernameTokenScheme(users, settings.now, settings.token_window_s),
        )
        dispatcher = Dispatcher(schemas, registrations((device, media, media2, ptz, events, device_io)))
        self._endpoint = Endpoint(backend, dispatcher, authenticator, settings)
        self._runner: web.AppRunner | None = None

    @property
    def routes(self) -> list[web.RouteDef]:
        """The routes, for an application of the host's own."""
        return self._endpoint.routes()

    async def start(self, host: str, port: int = 0) -> int:
        """Listens; port 0 takes a free one. Returns the port. Raises OSError if it cannot have it."""
        app = web.Application()
        app.add_routes(self.routes)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0, keepalive_timeout=30.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner
        return int(runner.addresses[0][1])

    async def stop(self) -> None:
        """Answers the pulls that wait, and stops listening."""
        self._subscriptions.close()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
