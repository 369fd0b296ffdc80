"""An ONVIF device: everything put together."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from functools import partial

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Middleware

from onvif_server.analytics.configuration import analytics_configuration_values
from onvif_server.analytics.modules import ModuleMemory
from onvif_server.analytics.news import RuleNews
from onvif_server.analytics.setting import AnalyticsSetting
from onvif_server.backend import Backend, Users
from onvif_server.endpoint import Endpoint
from onvif_server.events import topics
from onvif_server.events.broker import Broker
from onvif_server.events.event_brokers import EventBrokers
from onvif_server.events.subscriptions import Subscriptions
from onvif_server.identity import Identity
from onvif_server.media.parts import Part
from onvif_server.media.profiles import Profiles
from onvif_server.media.suite import MediaSuite
from onvif_server.memory import DeviceMemory
from onvif_server.metadata.feed import MetadataFeed
from onvif_server.security.authenticator import Authenticator
from onvif_server.security.digest import DigestScheme
from onvif_server.security.username_token import UsernameTokenScheme
from onvif_server.services import catalogue
from onvif_server.services.analytics import AnalyticsService
from onvif_server.services.device import DeviceService
from onvif_server.services.device_io import DeviceIoService
from onvif_server.services.device_network import DeviceNetworkService
from onvif_server.services.device_relays import DeviceRelaysService
from onvif_server.services.device_scopes import DeviceScopesService
from onvif_server.services.device_system import DeviceSystemService
from onvif_server.services.device_users import DeviceUsersService
from onvif_server.services.event_brokers import EventBrokerService
from onvif_server.services.events import EventService
from onvif_server.services.imaging import ImagingService
from onvif_server.services.media import MediaService
from onvif_server.services.media2 import Media2Service
from onvif_server.services.ptz import TOPICS as PTZ_TOPICS
from onvif_server.services.ptz import PtzService
from onvif_server.settings import DeviceSettings
from onvif_server.soap import names
from onvif_server.soap.dispatcher import Dispatcher
from onvif_server.soap.operations import Values, registrations
from onvif_server.soap.schema import load_schemas


class _WithoutTraces(logging.Filter):
    """A client that breaks the rules of HTTP is worth a line; a trace is for what goes wrong here."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Never keeps a record back."""
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, (HttpProcessingError, web.RequestPayloadError)):
            record.levelno, record.levelname, record.exc_info = logging.INFO, "INFO", None
        return True


_HTTP_LOG = logging.getLogger("onvif_server.http")
_HTTP_LOG.addFilter(_WithoutTraces())


async def _unnamed(_request: web.Request, response: web.StreamResponse) -> None:
    # Which versions of which libraries answer is nobody's business.
    response.headers["Server"] = "onvif_server"


class OnvifDevice:
    """A device on the network that stands for a backend.

    Either `start` it on a port of its own, or put `routes` into an aiohttp application that runs already, and `begin`
    and `stop` it with that. Events go into `broker`.
    """

    def __init__(self, backend: Backend, users: Users, settings: DeviceSettings | None = None) -> None:
        settings = settings or DeviceSettings()
        schemas = load_schemas()
        self.memory = DeviceMemory(backend.memory)
        self.identity = Identity(backend, self.memory)
        self.profiles = Profiles(backend, self.memory)
        self.broker = Broker((*backend.topics, *topics.LIBRARY_MEDIA, *PTZ_TOPICS), settings.now)
        suite = self.media = MediaSuite(backend, self.memory, self.profiles, self.broker)
        self.memory.on_forget(suite.media.forget)
        self.analytics_modules = ModuleMemory(self.memory)
        self.memory.on_forget(self.analytics_modules.reload)
        suite.descriptions.describe_analytics = partial(analytics_configuration_values, backend, self.analytics_modules)
        self.metadata_settings = suite.media.metadata
        self.metadata = MetadataFeed(backend, self.broker, self.metadata_settings, self.analytics_modules)
        self._subscriptions = Subscriptions(self.broker, settings)
        self._event_brokers = EventBrokers(
            self.broker, self.memory, settings.maximum_event_brokers, settings.broker_trust
        )
        self.metadata.mirror = self._event_brokers
        self.memory.on_forget(self._event_brokers.forget)
        device = DeviceService(backend, self.identity, settings, schemas)
        media, media2, ptz = (
            MediaService(suite),
            Media2Service(suite),
            PtzService(
                backend,
                self.profiles,
                self.memory,
                self.broker,
                partial(suite.media.configuration_changed, Part.PTZ),
            ),
        )
        self.memory.on_forget(ptz.settings.forget)
        suite.synchronize_metadata = self.metadata.synchronize
        events, device_io = (
            EventService(self.broker, self._subscriptions, self._event_brokers, settings),
            DeviceIoService(backend),
        )
        suite.descriptions.describe_ptz = ptz.configuration
        device_parts = (
            DeviceSystemService(backend, self.memory),
            DeviceNetworkService(backend),
            DeviceScopesService(self.identity),
            DeviceUsersService(backend, users),
            DeviceRelaysService(backend),
        )
        self._ptz, imaging = ptz, ImagingService(backend)
        sources: dict[str, Callable[[], Values]] = {
            names.MEDIA: media.capabilities,
            names.MEDIA2: media2.capabilities,
            names.PTZ: ptz.capabilities,
            names.IMAGING: imaging.capabilities,
            names.EVENTS: events.capabilities,
            names.DEVICE_IO: device_io.capabilities,
        }
        device.capability_sources = sources
        self._rule_news: RuleNews | None = None
        optional: list[object] = []
        if catalogue.has_analytics(backend):
            changed = partial(suite.media.configuration_changed, Part.ANALYTICS)
            self._rule_news = RuleNews(backend, changed)
            analytics = AnalyticsService(backend, self.analytics_modules, self._rule_news, changed)
            suite.changes.set_analytics = AnalyticsSetting(backend, self.analytics_modules).apply
            sources[names.ANALYTICS] = analytics.capabilities
            optional.append(analytics)
        authenticator = Authenticator(
            users,
            DigestScheme(users, settings.realm, settings.now, settings.nonce_lifetime_s, settings.digest_algorithms),
            UsernameTokenScheme(users, settings.now, settings.token_window_s),
        )
        event_brokers = (EventBrokerService(self._event_brokers, self.broker),) if self._event_brokers.maximum else ()
        dispatcher = Dispatcher(
            schemas,
            registrations(
                (
                    *(device, *device_parts, device_io),
                    *(media, media2, imaging),
                    *(ptz, *ptz.parts),
                    *(events, *event_brokers),
                    *optional,
                )
            ),
        )
        self._endpoint = Endpoint(backend, dispatcher, authenticator, settings)
        self._runner: web.AppRunner | None = None

    @property
    def routes(self) -> list[web.RouteDef]:
        """The routes, for an application of the host's own."""
        return self._endpoint.routes()

    async def begin(self) -> None:
        """Goes on with what clients once ordered and that outlives a restart: event brokers, multicast."""
        self._event_brokers.start()
        await self.media.streams.resume()
        await self._ptz.tours.begin()

    def rules_changed(self) -> None:
        """The host says that its rules may be others now; each change is told to clients that listen, once."""
        if self._rule_news is not None:
            self._rule_news.look()

    async def tours_changed(self, channel: str) -> None:
        """The host says that something became of the tours of a channel's head; clients that listen are told."""
        await self._ptz.tours.changed(channel)

    async def start(self, host: str, port: int = 0, middlewares: Iterable[Middleware] = ()) -> int:
        """Listens; port 0 takes a free one. Returns the port. Raises OSError if it cannot have it."""
        app = web.Application(middlewares=tuple(middlewares))
        app.on_response_prepare.append(_unnamed)
        app.add_routes(self.routes)
        runner = web.AppRunner(
            # Compressed requests are refused: aiohttp is not to look into them before.
            app,
            access_log=None,
            shutdown_timeout=1.0,
            keepalive_timeout=30.0,
            auto_decompress=False,
            logger=_HTTP_LOG,
        )
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner
        await self.begin()
        return int(runner.addresses[0][1])

    async def stop(self) -> None:
        """Answers the pulls that wait, and stops listening."""
        await self._subscriptions.close()
        await self._event_brokers.stop()
        await self._ptz.close()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
