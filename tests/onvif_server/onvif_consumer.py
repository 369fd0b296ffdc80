"""A consumer of notifications: a real HTTP server that keeps what it gets; and how to subscribe for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web
from lxml import etree
from onvif_soap_client import Response, SoapClient, checked

from onvif_server.events.topics import LINE_CROSSED


class ConsumerServer:
    """A consumer that keeps what it gets, and answers what the test says (200 by default)."""

    def __init__(self) -> None:
        self.envelopes: list[etree._Element] = []
        self.headers: list[dict[str, str]] = []
        self.parameters: list[etree._Element] = []
        self.requests = 0
        self.answer: Callable[[], Awaitable[web.StreamResponse]] | None = None
        self.hangs_up = False
        """Whether the connection ends with each answer."""
        self.came = asyncio.Event()
        self.url = ""
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application()
        app.router.add_post("/{path:.*}", self._take)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.StreamResponse:
        self.requests += 1
        if self.answer is not None:
            self.came.set()
            return await self.answer()
        root = etree.fromstring(await request.read())
        for block in root.iterfind("{*}Header/{urn:x}*"):  # no schema knows what a consumer wants back
            block.getparent().remove(block)
            self.parameters.append(block)
        self.envelopes.append(checked(etree.tostring(root)))
        self.headers.append(dict(request.headers))
        self.came.set()
        return web.Response(headers={"Connection": "close"} if self.hangs_up else {})

    @property
    def values(self) -> list[str]:
        """The data of all messages, in the order in which they came."""
        return [item.get("Value") for root in self.envelopes for item in root.iterfind(".//{*}Data/{*}SimpleItem")]

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not condition():
                await self.came.wait()
                self.came.clear()


async def subscribe(client: SoapClient, address: str, more: str = "", parameters: str = "") -> Response:
    reference = f"<wsa:Address>{address}</wsa:Address>{parameters}"
    return await client.call(
        f"<wsnt:Subscribe><wsnt:ConsumerReference>{reference}</wsnt:ConsumerReference>{more}</wsnt:Subscribe>"
    )


def crossed(client: SoapClient, number: int) -> None:
    client.running.device.broker.publish(LINE_CROSSED.path, source={"Rule": "gate"}, data={"ObjectId": number})
