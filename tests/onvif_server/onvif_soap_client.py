"""A client that speaks raw SOAP, and holds every response against the official schemas."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass

import aiohttp
from lxml import etree
from onvif_host import ACCOUNTS, Running

from onvif_server.soap import names
from onvif_server.soap.schema import load_schemas
from onvif_server.soap.values import xml_time

DEVICE_PATH = "/onvif/device_service"


@dataclass(frozen=True)
class Response:
    status: int
    headers: dict[str, str]
    envelope: etree._Element

    @property
    def content(self) -> etree._Element:
        return self.envelope.find(names.tag(names.ENVELOPE, "Body"))[0]

    @property
    def subcodes(self) -> list[str]:
        """The fault's code and subcodes, as `prefix:name`; every prefix must be declared."""
        values = self.content.iterfind(f".//{{{names.ENVELOPE}}}Value")
        found = [value.text for value in values]
        assert all(qname.partition(":")[0] in self.envelope.nsmap for qname in found)
        return found

    def texts(self, name: str) -> list[str]:
        """The texts of all elements with this local name."""
        return [element.text or "" for element in self.content.iterfind(f".//{{*}}{name}")]


def username_token(username: str, password: str, created: str, nonce: bytes | None = None) -> str:
    nonce = secrets.token_bytes(16) if nonce is None else nonce
    digest = base64.b64encode(hashlib.sha1(nonce + created.encode() + password.encode()).digest()).decode()
    return (
        f'<wsse:Security xmlns:wsse="{names.SECURITY}" xmlns:wsu="{names.UTILITY}"><wsse:UsernameToken>'
        f"<wsse:Username>{username}</wsse:Username>"
        f'<wsse:Password Type="http://docs.oasis-open.org/wss/2004/01/'
        f'oasis-200401-wss-username-token-profile-1.0#PasswordDigest">{digest}</wsse:Password>'
        f"<wsse:Nonce>{base64.b64encode(nonce).decode()}</wsse:Nonce><wsu:Created>{created}</wsu:Created>"
        "</wsse:UsernameToken></wsse:Security>"
    )


def envelope(body: str, header: str = "") -> str:
    prefixes = " ".join(f'xmlns:{prefix}="{namespace}"' for prefix, namespace in names.PREFIXES.items())
    return f"<s:Envelope {prefixes}><s:Header>{header}</s:Header><s:Body>{body}</s:Body></s:Envelope>"


def checked(document: bytes) -> etree._Element:
    """Parses a response and validates it: the envelope, and what is in its body and header."""
    root = etree.fromstring(document)
    schemas = load_schemas()
    assert schemas.invalidity(root) is None, f"{schemas.invalidity(root)}\n{document.decode()}"
    for part in root:
        for element in part:
            # The envelope's schema is lax about its content; here it must be known and valid.
            if element.tag != names.tag(names.ENVELOPE, "Fault"):
                assert schemas.invalidity(element) is None, f"{schemas.invalidity(element)}\n{document.decode()}"
    return root


class SoapClient:
    """Sends bodies as one user (WS-UsernameToken), or as nobody."""

    def __init__(self, running: Running, session: aiohttp.ClientSession, username: str | None = "admin") -> None:
        self.running = running
        self.session = session
        self.username = username

    def token(self) -> str:
        if self.username is None:
            return ""
        created = xml_time(self.running.settings.now())
        return username_token(self.username, ACCOUNTS[self.username].password, created)

    async def call(self, body: str, path: str = DEVICE_PATH, header: str = "") -> Response:
        return await self.send(envelope(body, self.token() + header).encode(), path)

    async def send(self, document: bytes, path: str = DEVICE_PATH, headers: dict[str, str] | None = None) -> Response:
        url = path if path.startswith("http") else f"{self.running.url}{path}"
        headers = {"Content-Type": "application/soap+xml; charset=utf-8"} | (headers or {})
        async with self.session.post(url, data=document, headers=headers) as answer:
            document = await answer.read()
            return Response(answer.status, dict(answer.headers), checked(document))
