"""A recorder (NVR) that speaks raw SOAP with digest authentication, and holds every answer against the schemas."""

from __future__ import annotations

from dataclasses import dataclass

import aiohttp
from lxml import etree

from engine.access import Role
from engine.app.engine import Engine
from onvif_server.soap import names
from onvif_server.soap.schema import load_schemas

PASSWORD = "Green-Hill-2041"
PREFIXES = " ".join(f'xmlns:{prefix}="{namespace}"' for prefix, namespace in names.PREFIXES.items())


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the first element of the body."""

    content: etree._Element

    def texts(self, name: str) -> list[str]:
        """The texts of all elements of that local name."""
        return [element.text or "" for element in self.content.iterfind(f".//{{*}}{name}")]

    @property
    def fault(self) -> str:
        """The innermost subcode of a fault, without its prefix; "" for an answer."""
        if self.content.tag != names.tag(names.ENVELOPE, "Fault"):
            return ""
        values = self.content.findall(f".//{{{names.ENVELOPE}}}Value")
        return (values[-1].text or "").rpartition(":")[2]


@dataclass(frozen=True, slots=True)
class SoapRecorder:
    """Asks the engine's ONVIF device."""

    session: aiohttp.ClientSession
    port: int

    @classmethod
    async def at(cls, engine: Engine) -> SoapRecorder:
        """One that may do everything. Close its session."""
        await engine.access.device_users.save("recorder", PASSWORD, Role.ADMINISTRATOR)
        digest = aiohttp.DigestAuthMiddleware("recorder", PASSWORD)
        return cls(aiohttp.ClientSession(middlewares=[digest]), engine.onvif.port)

    async def call(self, body: str, path: str = "/onvif/device_service") -> Answer:
        """Sends the content of a body."""
        envelope = f"<s:Envelope {PREFIXES}><s:Body>{body}</s:Body></s:Envelope>"
        headers = {"Content-Type": "application/soap+xml"}
        async with self.session.post(f"http://127.0.0.1:{self.port}{path}", data=envelope, headers=headers) as response:
            root = etree.fromstring(await response.read())
        schemas = load_schemas()
        assert schemas.invalidity(root) is None
        [content] = root.find(names.tag(names.ENVELOPE, "Body"))
        answer = Answer(content)
        assert answer.fault or schemas.invalidity(content) is None, schemas.invalidity(content)
        return answer

    async def ptz(self, operation: str, arguments: str = "", profile: str = "dome-profile") -> Answer:
        """An operation of the PTZ service."""
        token = f"<tptz:ProfileToken>{profile}</tptz:ProfileToken>"
        return await self.call(f"<tptz:{operation}>{token}{arguments}</tptz:{operation}>")
