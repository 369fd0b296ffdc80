"""The device's HTTP routes: SOAP by POST, snapshots and the host's papers by GET."""

from __future__ import annotations

import asyncio
import re
from typing import Final

from aiohttp import web
from lxml import etree

from onvif_server.backend import Backend, Caller, Refused
from onvif_server.security.access import Access
from onvif_server.security.authenticator import Authenticator, Credentials, NotAuthorized
from onvif_server.services import catalogue
from onvif_server.services.device_system import LOG_PATH, SUPPORT_PATH, read_document
from onvif_server.settings import DeviceSettings
from onvif_server.soap.dispatcher import Answer, Dispatcher, Origin
from onvif_server.soap.envelope import fault_envelope, serialize
from onvif_server.soap.faults import Fault

_MEDIA_TYPES: Final = ("application/soap+xml", "text/xml", "application/xml")
_HOST: Final = re.compile(r"([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::([0-9]{1,5}))?")


class Endpoint:
    """Takes requests from aiohttp, and holds them to the limits before anybody reads them."""

    def __init__(
        self, backend: Backend, dispatcher: Dispatcher, authenticator: Authenticator, settings: DeviceSettings
    ) -> None:
        self._backend = backend
        self._dispatcher = dispatcher
        self._authenticator = authenticator
        self._settings = settings

    def routes(self) -> list[web.RouteDef]:
        """Every service takes every operation: many clients send all to the device service."""
        return [
            *(web.post(entry.path, self._soap) for entry in catalogue.offered(self._backend)),
            web.post(catalogue.SUBSCRIPTION_PATH + r"{subscription:[\w-]{1,64}}", self._soap),
            web.get(catalogue.SNAPSHOT_PATH + r"{channel:[\w.-]{1,128}}.jpg", self._snapshot),
            *(web.get(path, self._paper) for path in (LOG_PATH, SUPPORT_PATH) if self._backend.system is not None),
        ]

    async def _soap(self, request: web.Request) -> web.Response:
        media_type = request.content_type
        if media_type not in _MEDIA_TYPES:
            return web.Response(status=415, text=f"SOAP comes as {' or '.join(_MEDIA_TYPES)}\n")
        if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
            # No client needs it, and what is small on the way could be large here.
            return web.Response(status=415, headers={"Accept-Encoding": "identity"}, text="SOAP comes uncompressed\n")
        try:
            body = await self._read(request)
            if not body and "Authorization" not in request.headers:
                # Clients that wait for the challenge (libcurl) send no body first, to spare sending it twice.
                raise NotAuthorized("this operation needs a user")
        except Fault as fault:
            answer = Answer(fault.status, serialize(fault_envelope(None, fault)), fault)
        else:
            answer = await self._dispatcher.answer(
                body, _origin(request), lambda soap, access: self._admit(request, soap.username_token, access)
            )
        response = web.Response(status=answer.status, body=answer.body, content_type=media_type, charset="utf-8")
        if isinstance(answer.fault, NotAuthorized):
            self._challenge(response, answer.fault)
        return response

    async def _snapshot(self, request: web.Request) -> web.Response:
        barrier = self._barrier(request, Access.READ_MEDIA)
        if barrier is not None:
            return barrier
        token = request.match_info["channel"]
        if all(channel.token != token for channel in self._backend.channels):
            return web.Response(status=404, text=f"there is no channel {token}\n")
        try:
            picture = await self._backend.snapshot(token)
        except Refused as refused:
            return web.Response(status=503, text=f"{refused.detail}\n")
        return web.Response(body=picture, content_type="image/jpeg", headers={"Cache-Control": "no-store"})

    async def _paper(self, request: web.Request) -> web.Response:
        barrier = self._barrier(request, Access.READ_SYSTEM_SECRET)
        if barrier is not None:
            return barrier
        try:
            document = await read_document(self._backend, request.path)
        except Refused as refusal:
            return web.Response(status=503, text=f"{refusal.detail}\n")
        if document is None:
            return web.Response(status=404, text="there is none now\n")
        # A log may quote what strangers sent: no browser must take it for a page.
        headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
        if document.media_type.startswith("text/"):
            headers["Content-Type"] = "text/plain; charset=utf-8"
        else:
            headers |= {"Content-Type": document.media_type, "Content-Disposition": "attachment"}
        return web.Response(body=document.content, headers=headers)

    def _barrier(self, request: web.Request, access: Access) -> web.Response | None:
        """What to answer to a GET of somebody who may not; None if they may."""
        try:
            self._admit(request, None, access)
        except NotAuthorized as refusal:
            # Here no SOAP client needs to tell a fault from a failed login: who may not is forbidden.
            response = web.Response(status=401 if refusal.status == 401 else 403, text=f"{refusal.reason}\n")
            self._challenge(response, refusal)
            return response
        return None

    def _admit(self, request: web.Request, username_token: etree._Element | None, access: Access) -> Caller:
        credentials = Credentials(
            authorization=request.headers.get("Authorization"),
            method=request.method,
            target=request.raw_path,
            username_token=username_token,
            address=request.remote or "",
        )
        return self._authenticator.admit(credentials, access)

    def _challenge(self, response: web.Response, refusal: NotAuthorized) -> None:
        for challenge in self._authenticator.challenges(refusal):
            response.headers.add("WWW-Authenticate", challenge)

    async def _read(self, request: web.Request) -> bytes:
        limit = self._settings.maximum_request_bytes
        too_large = Fault("InvalidArgs", reason=f"a request has at most {limit} bytes", status=413)
        if (request.content_length or 0) > limit:
            raise too_large  # before any of it is taken
        body = bytearray()
        try:
            async with asyncio.timeout(self._settings.request_timeout_s):
                async for chunk in request.content.iter_any():
                    body += chunk
                    if len(body) > limit:
                        raise too_large
        except TimeoutError as error:
            raise Fault("InvalidArgs", reason="the request did not come in time", status=408) from error
        except (web.PayloadAccessError, web.RequestPayloadError, ValueError) as error:
            raise Fault("WellFormed", reason="the request's body cannot be read") from error
        return bytes(body)


def _origin(request: web.Request) -> Origin:
    transport = request.transport
    local = transport.get_extra_info("sockname") if transport is not None else None
    address, port = (str(local[0]), int(local[1])) if local else ("127.0.0.1", 80)
    host = f"[{address}]" if ":" in address else address
    authority = f"{host}:{port}"
    # The name by which the client reached us is the one it can reach us by again (port forwarding, names).
    match = _HOST.fullmatch(request.headers.get("Host", ""))
    if match is not None:
        host, authority = match.group(1), match.group(0)
    return Origin(
        base_url=f"{request.scheme}://{authority}",
        host=host,
        local_address=address,
        subscription=request.match_info.get("subscription"),
        connected=lambda: request.transport is not None and not request.transport.is_closing(),
    )
