"""The aiohttp application: routes of all declared operations, errors as JSON, security headers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus

import msgspec
from aiohttp import web

from engine.access import Access
from engine.api import openapi
from engine.api.errors import ApiError, answer_of
from engine.api.handlers import (
    channels,
    device_users,
    documentation,
    history,
    links,
    login,
    rules,
    state,
    users,
    websocket,
)
from engine.api.hub import Hub, HubSettings
from engine.api.operations import PREFIX, Context, Operation, operations_of
from engine.api.services import EngineServices
from engine.core.bus import Bus
from engine.core.events import Event
from engine.store import Store

OPERATIONS = operations_of(login, users, device_users, state, channels, links, rules, history, websocket, documentation)
"""All operations of the API."""

_BEFORE_ACTIVATION = {each.path for each in OPERATIONS if each.before_activation}

CONTEXT = web.AppKey("context", Context)

type _Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiSettings:
    """Limits of the API."""

    most_body_bytes: int = 64 * 1024
    hub: HubSettings = field(default_factory=HubSettings)


def create_app(
    services: EngineServices, access: Access, store: Store, bus: Bus[Event], settings: ApiSettings | None = None
) -> web.Application:
    """The application. `bus` carries the events that the WebSocket tells; access and store are open."""
    settings = settings or ApiSettings()
    context = Context(services, access, store, Hub(services, bus, settings.hub))
    app = web.Application(client_max_size=settings.most_body_bytes, middlewares=[_answer_errors])
    app[CONTEXT] = context
    info = services.info()
    described = openapi.document(OPERATIONS, title="Smart PTZ", version=info.version)
    app[documentation.DOCUMENT] = msgspec.json.encode(described)
    app[documentation.DOCUMENT_FOR_PAGE] = msgspec.json.encode(openapi.for_swagger_ui(described))
    for each in OPERATIONS:
        app.router.add_route(each.method, each.path, _handler(each, context))
    documentation.add_page(app)
    app.on_response_prepare.append(_add_headers)
    app.cleanup_ctx.append(_run_hub)
    app.on_shutdown.append(_close_hub)
    return app


def _handler(each: Operation, context: Context) -> _Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        return await each.run(request, context)

    return handle


@web.middleware
async def _answer_errors(request: web.Request, handler: _Handler) -> web.StreamResponse:
    try:
        _require_activation(request)
        return await handler(request)
    except ConnectionError:
        # The client went away: there is nobody to answer.
        raise
    except Exception as error:  # noqa: BLE001 - whatever goes wrong in a handler is answered and logged there
        return answer_of(error)


def _require_activation(request: web.Request) -> None:
    if not request.app[CONTEXT].access.activated and request.path not in _BEFORE_ACTIVATION:
        raise ApiError(HTTPStatus.FORBIDDEN, "not_activated", f"activate the engine first: POST {PREFIX}/activation")


async def _add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    headers = response.headers
    headers["Server"] = "smart-ptz"
    headers["X-Content-Type-Options"] = "nosniff"
    headers["X-Frame-Options"] = "DENY"
    headers["Referrer-Policy"] = "no-referrer"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    headers.setdefault("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")


async def _run_hub(app: web.Application) -> AsyncIterator[None]:
    hub = app[CONTEXT].hub
    hub.start()
    yield
    await hub.stop()


async def _close_hub(app: web.Application) -> None:
    app[CONTEXT].hub.close()
