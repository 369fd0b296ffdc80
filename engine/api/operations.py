"""An operation is declared once, by a decorated function; routing, validation and the OpenAPI document follow from it.

    @operation("POST", "/channels/{channel_id}/ptz/move", tag="ptz", role=Role.OPERATOR)
    async def move(call: Call, body: MoveRequest) -> None:
        '''Move a PTZ channel.'''

The parameter `body` names the type of the JSON that is sent, `query` the type of the query, the annotation of the
result the type of the answer (None: 204), and the docstring is what the document says.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from types import ModuleType
from typing import Any, Literal, get_type_hints

import msgspec
from aiohttp import web

from engine.access import Access, Identity, Role
from engine.api.errors import ApiError
from engine.api.hub import Hub
from engine.api.messages.base import Request
from engine.api.services import EngineServices
from engine.store import Store

PREFIX = "/api/v1"
_BODY_TIMEOUT_S = 30.0

type Method = Literal["GET", "POST", "PUT", "DELETE"]


@dataclass(frozen=True, slots=True)
class Jpeg:
    """An answer that is a picture. `lasting`: it never changes, so clients may keep it."""

    content: bytes
    lasting: bool


@dataclass(frozen=True, slots=True)
class Document:
    """An answer that is JSON already."""

    content: bytes


@dataclass(frozen=True, slots=True)
class Context:
    """What handlers work with."""

    services: EngineServices
    access: Access
    store: Store
    hub: Hub


@dataclass(frozen=True, slots=True)
class Call:
    """One request, after its sender and its content were checked."""

    context: Context
    request: web.Request
    _identity: Identity | None = None

    @property
    def path(self) -> Mapping[str, str]:
        """The values of the names in the operation's path."""
        return self.request.match_info

    @property
    def address(self) -> str:
        """The address of the other end. No header is believed: anybody can send one."""
        peer = self.request.transport.get_extra_info("peername") if self.request.transport is not None else None
        return str(peer[0]) if peer else "unknown"

    @property
    def identity(self) -> Identity:
        """Who asks. Operations without a role have nobody: there it is an error to ask."""
        if self._identity is None:
            raise TypeError("an operation without a role knows no identity")
        return self._identity

    @property
    def by(self) -> str:
        """The name of the user who asks."""
        return self.identity.username


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A declared operation. Without `role` anybody may; with it, users of that level and above.

    Those with `before_activation` answer even while there is no administrator.
    """

    name: str
    method: Method
    path: str
    tag: str
    role: Role | None
    before_activation: bool
    status: HTTPStatus
    summary: str
    description: str
    body: type[Request] | None
    query: type[Request] | None
    result: Any
    function: Callable[..., Awaitable[Any]]

    async def run(self, request: web.Request, context: Context) -> web.StreamResponse:
        """Checks the request whole, does it, and makes the answer."""
        identity = await authenticate(request, context.access, self.role) if self.role is not None else None
        call = Call(context, request, identity)
        parts: dict[str, Request] = {}
        if self.body is not None:
            parts["body"] = await _read_body(request, self.body)
        if self.query is not None:
            parts["query"] = _read_query(request, self.query)
        return _answer(await self.function(call, **parts), self.status)


def operation(
    method: Method, path: str, *, tag: str, role: Role | None, before_activation: bool = False
) -> Callable[[Callable[..., Awaitable[Any]]], Operation]:
    """Declares an operation. The path is relative to `/api/v1`; its `{names}` are in `call.path`."""

    def declare(function: Callable[..., Awaitable[Any]]) -> Operation:
        hints = get_type_hints(function)
        summary, _, description = inspect.cleandoc(function.__doc__ or "").partition("\n")
        result = hints["return"]
        status = HTTPStatus.NO_CONTENT if result is type(None) else HTTPStatus.OK
        return Operation(
            name=function.__name__,
            method=method,
            path=PREFIX + path,
            tag=tag,
            role=role,
            before_activation=before_activation,
            status=status,
            summary=summary.rstrip("."),
            description=description.strip(),
            body=hints.get("body"),
            query=hints.get("query"),
            result=result,
            function=function,
        )

    return declare


def operations_of(*modules: ModuleType) -> tuple[Operation, ...]:
    """The operations that modules declare, in their order."""
    return tuple(value for module in modules for value in vars(module).values() if isinstance(value, Operation))


async def authenticate(request: web.Request, access: Access, role: Role) -> Identity:
    """Who sends the request. Raises an ApiError of 401 or 403, or WrongCredentials."""
    identity = await access.identify(token_of(request))
    if not identity.role.includes(role):
        raise ApiError(HTTPStatus.FORBIDDEN, "not_allowed", f"this needs the level {role} or above")
    return identity


def token_of(request: web.Request) -> str:
    """The token of a request. Raises an ApiError of 401 when there is none."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.casefold() != "bearer" or not token.strip() or not token.isascii():
        raise ApiError(HTTPStatus.UNAUTHORIZED, "no_token", "send a token: Authorization: Bearer TOKEN")
    return token.strip()


async def _read_body[T: Request](request: web.Request, kind: type[T]) -> T:
    try:
        async with asyncio.timeout(_BODY_TIMEOUT_S):
            content = await request.read()
    except TimeoutError as error:
        raise ApiError(HTTPStatus.REQUEST_TIMEOUT, "too_slow", "the body did not arrive in time") from error
    if not content:
        # Where everything may be left out, so may the body.
        content = b"{}"
    elif request.content_type != "application/json":
        raise ApiError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "not_json", "send the body as application/json")
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.ValidationError as error:
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", f"the body is not as expected: {error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ApiError(HTTPStatus.BAD_REQUEST, "not_json", f"the body is not JSON: {error}") from error


def _read_query[T: Request](request: web.Request, kind: type[T]) -> T:
    if len(set(request.query)) != len(request.query):
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", "a parameter of the query appears twice")
    try:
        return msgspec.convert(dict(request.query), kind, strict=False)
    except msgspec.ValidationError as error:
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", f"the query is not as expected: {error}") from error


def _answer(result: Any, status: HTTPStatus) -> web.StreamResponse:
    match result:
        case None:
            return web.Response(status=status)
        case web.StreamResponse():
            return result
        case Jpeg():
            kept = "private, max-age=31536000, immutable" if result.lasting else "no-store"
            headers = {"Cache-Control": kept}
            return web.Response(status=status, body=result.content, content_type="image/jpeg", headers=headers)
        case Document():
            content = result.content
        case _:
            content = msgspec.json.encode(result)
    headers = {"Cache-Control": "no-store"}
    return web.Response(status=status, body=content, content_type="application/json", headers=headers)
