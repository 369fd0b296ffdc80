"""The relay's certificate: without one that can be read there is video all the same, but no RTSPS."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import ssl
from pathlib import Path

import pytest

from engine.media import Delivery, MediaDied, MediaError, MediaProcess, MediaSettings
from engine.media.conversation import Conversation, RefusedError
from tests.engine.media.conftest import PATIENCE_S, USER, event_of, make_certificate, running

pytestmark = pytest.mark.ledger("VID-2", "NET-1")


async def answers(media: MediaProcess) -> bool:
    """Whether the plain relay answers a user (there are no channels)."""

    def ask() -> bool:
        try:
            talk = Conversation(("127.0.0.1", media.relay_port), USER.name, USER.password)
        except OSError:
            return False
        try:
            talk.ask("DESCRIBE", media.relay_url("gate"))
        except RefusedError as error:
            return error.status == 404
        except OSError:
            return False
        finally:
            talk.close()
        return False

    return await asyncio.to_thread(ask)


async def die(media: MediaProcess) -> None:
    """Lets the media process die, and waits until the next one answers."""
    assert media.pid is not None
    with media.events.subscribe() as events:
        os.kill(media.pid, signal.SIGKILL)
        await event_of(aiter(events), MediaDied)
    async with asyncio.timeout(PATIENCE_S):
        while not await answers(media):
            await asyncio.sleep(0.1)


def said(caplog: pytest.LogCaptureFixture) -> int:
    """How often it was said that there is no RTSPS."""
    return sum(record.getMessage().startswith("the relay has no RTSPS") for record in caplog.records)


async def test_a_certificate_that_cannot_be_read_costs_rtsps_only_and_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    certificate, key = await make_certificate(tmp_path)
    async with running(MediaSettings(tls_certificate=certificate, tls_key=key)) as media:
        await media.set_relay_users([USER])
        port = media.secure_port
        assert port is not None
        kept = Path(key).read_bytes()
        Path(key).write_text("no key")
        for _ in range(2):
            await die(media)
            assert media.secure_port is None
            assert said(caplog) == 1
        with pytest.raises(MediaError, match="certificate or key cannot be used"):
            media.relay_url("gate", delivery=Delivery.SECURE)

        # As soon as it can be read again, by the daily look for example, there is RTSPS where it was.
        Path(key).write_bytes(kept)
        await media.use_certificate(certificate, key)
        async with asyncio.timeout(PATIENCE_S):
            while media.secure_port is None:
                await asyncio.sleep(0.05)
        assert media.secure_port == port
        shown = await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", port))
        assert shown.strip() == Path(certificate).read_text().strip()


async def test_a_relay_that_begins_without_its_certificate_says_why(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    settings = MediaSettings(tls_certificate=str(tmp_path / "none.pem"), tls_key=str(tmp_path / "none.key"))
    async with running(settings) as media:
        await media.set_relay_users([USER])
        assert await answers(media)
        assert media.secure_port is None
        assert said(caplog) == 1
