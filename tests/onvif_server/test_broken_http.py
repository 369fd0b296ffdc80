"""Requests that break the rules of HTTP, or come compressed: an answer, and no trace in the log."""

from __future__ import annotations

import asyncio
import gzip
import logging
import zlib

import pytest
from onvif_host import Running
from onvif_soap_client import DEVICE_PATH, SoapClient, envelope

pytestmark = pytest.mark.ledger("SYS-2")

TIME = envelope("<tds:GetSystemDateAndTime/>").encode()
GARBAGE = b"this was never compressed" * 20
BOMB = zlib.compress(bytes(100_000_000))


async def sent(running: Running, header: str, body: bytes) -> tuple[int, str]:
    """Status and head of the answer to a request with more header lines."""
    reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
    head = f"POST {DEVICE_PATH} HTTP/1.1\r\nHost: device\r\nContent-Type: application/soap+xml\r\n{header}\r\n\r\n"
    writer.write(head.encode() + body)
    async with asyncio.timeout(30):
        answer = (await reader.readuntil(b"\r\n\r\n")).decode()
    writer.close()
    return int(answer.split()[1]), answer


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "compress", "gzip, gzip"])
async def test_compressed_requests_are_refused_unread(
    running: Running, caplog: pytest.LogCaptureFixture, encoding: str
) -> None:
    caplog.set_level(logging.INFO)
    whole = gzip.compress(TIME)
    for body in (GARBAGE, b"", whole, whole[:-9], BOMB):
        status, head = await sent(running, f"Content-Encoding: {encoding}\r\nContent-Length: {len(body)}", body)
        assert status == 415
        assert "Accept-Encoding: identity" in head
    assert not [record for record in caplog.records if record.exc_info]


async def test_an_encoding_that_changes_nothing_is_none(client: SoapClient) -> None:
    assert (await client.send(TIME, headers={"Content-Encoding": "Identity"})).status == 200


@pytest.mark.parametrize(
    ("header", "body"),
    [
        ("Transfer-Encoding: chunked", b"zz\r\nabc\r\n0\r\n\r\n"),
        ("Transfer-Encoding: chunked", b"3\r\nabcdefgh\r\n0\r\n\r\n"),
        ("Content-Length: much", b"abc"),
        ("No colon at all", b""),
    ],
)
async def test_who_does_not_speak_http_is_told_so_in_a_line(
    running: Running, client: SoapClient, caplog: pytest.LogCaptureFixture, header: str, body: bytes
) -> None:
    caplog.set_level(logging.INFO)
    assert (await sent(running, header, body))[0] == 400
    told = [record for record in caplog.records if record.name == "onvif_server.http"]
    assert told
    assert all(record.levelno == logging.INFO and not record.exc_info for record in told)
    assert (await client.call("<tds:GetSystemDateAndTime/>")).status == 200
