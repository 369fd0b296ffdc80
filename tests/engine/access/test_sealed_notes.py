"""Texts with secrets in them: sealed on the disk, kept across restarts."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from engine.access import Access
from engine.core.clock import VirtualClock
from engine.store import Store

pytestmark = pytest.mark.ledger("ONVIF-2")


async def test_a_note_is_there_after_a_restart_and_unreadable_on_the_disk(tmp_path: Path) -> None:
    async with Store(tmp_path) as store:
        access = Access(store, VirtualClock())
        await access.open()
        notes = await access.sealed_notes("onvif")
        await notes.write("brokers", "the password is Tr0ub4dor")
        await notes.write("brokers", "the password is Tr0ub4dor&3")
        other = await access.sealed_notes("onvif2")
        assert other.read("brokers") is None
    for file in tmp_path.iterdir():
        if file.is_file():
            assert b"Tr0ub4dor" not in file.read_bytes()
    async with Store(tmp_path) as store:
        access = Access(store, VirtualClock())
        await access.open()
        notes = await access.sealed_notes("onvif")
        assert notes.read("brokers") == "the password is Tr0ub4dor&3"
        assert notes.read("scopes") is None


async def test_a_note_of_another_key_is_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with Store(tmp_path) as store:
        access = Access(store, VirtualClock())
        await access.open()
        await (await access.sealed_notes("onvif")).write("scopes", "here")
        (tmp_path / "secret.key").write_bytes(Fernet.generate_key())
        again = Access(store, VirtualClock())
        await again.open()
        assert (await again.sealed_notes("onvif")).read("scopes") is None
    assert "another key" in caplog.text
