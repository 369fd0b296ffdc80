"""A running device and clients for it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_socket
from onvif_host import Head, Host, Running
from onvif_soap_client import SoapClient


@pytest.fixture(autouse=True)
def sockets() -> None:
    """Allows sockets before the other fixtures are made: Home Assistant's plugin forbids them for each test."""
    pytest_socket.enable_socket()
    pytest_socket._remove_restrictions()


@pytest.fixture
def no_tours(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tour of the head is one more property: for tests that want to hear only what they publish themselves."""

    async def none(_head: Head) -> tuple[()]:
        return ()

    monkeypatch.setattr(Head, "tours", none)


@pytest.fixture
async def running(sockets: None) -> AsyncIterator[Running]:
    device = Running()
    await device.start()
    yield device
    await device.device.stop()


@pytest.fixture
def host(running: Running) -> Host:
    return running.host


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as client:
        yield client


@pytest.fixture
def client(running: Running, session: aiohttp.ClientSession) -> SoapClient:
    return SoapClient(running, session)
