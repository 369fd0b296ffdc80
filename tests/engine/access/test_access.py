"""Activation, logins, tokens, users, and the users of ONVIF and RTSP."""

from __future__ import annotations

import asyncio
import logging
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from engine.access import Access, AccessSettings, Role
from engine.access.errors import (
    AlreadyActivated,
    LockedOut,
    NotActivated,
    Refused,
    WeakPassword,
    WrongCredentials,
)
from engine.access.events import IllegalLogin
from engine.core.clock import VirtualClock
from engine.store import Store, StoreFailure, codec

HERE = "192.0.2.7"
PASSWORD = "Correct-h0rse"
FAST = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with Store(tmp_path) as opened:
        yield opened


@pytest.fixture
async def access(store: Store, clock: VirtualClock) -> Access:
    made = Access(store, clock, AccessSettings(tokens_a_user=5, users=3), FAST)
    await made.open()
    return made


async def reopened(store: Store, clock: VirtualClock) -> Access:
    made = Access(store, clock, hasher=FAST)
    await made.open()
    return made


@pytest.mark.ledger("SITE-4")
async def test_nobody_may_before_the_activation(access: Access) -> None:
    assert not access.activated
    with pytest.raises(NotActivated):
        await access.login("admin", "admin", HERE)
    with pytest.raises(WeakPassword):
        await access.activate("ada", "password", HERE)
    assert not access.activated


@pytest.mark.ledger("SITE-4")
async def test_the_activation_happens_once(access: Access, store: Store, clock: VirtualClock) -> None:
    session = await access.activate("ada", PASSWORD, HERE)
    assert session.identity.role is Role.ADMINISTRATOR
    assert access.activated
    with pytest.raises(AlreadyActivated):
        await access.activate("eve", PASSWORD, HERE)
    later = await reopened(store, clock)
    assert later.activated
    with pytest.raises(AlreadyActivated):
        await later.activate("eve", PASSWORD, HERE)
    assert (await later.identify(session.token)).username == "ada"


@pytest.mark.ledger("SITE-4")
async def test_of_two_activations_at_once_one_wins(access: Access) -> None:
    results = await asyncio.gather(
        *(access.activate(name, PASSWORD, HERE) for name in ("ada", "bob", "eve")), return_exceptions=True
    )
    assert sum(isinstance(result, AlreadyActivated) for result in results) == 2
    assert len(await access.users()) == 1


async def test_sessions_end_and_tokens_last(access: Access, clock: VirtualClock) -> None:
    await access.activate("ada", PASSWORD, HERE)
    session = await access.login("ada", PASSWORD, HERE)
    token = await access.create_token(session.identity, "Home Assistant")
    assert session.expires_at == clock.now() + 12 * 3600
    assert (await access.identify(token.token)).username == "ada"
    await clock.advance(12 * 3600 + 1)
    with pytest.raises(WrongCredentials):
        await access.identify(session.token)
    identity = await access.identify(token.token)
    assert identity.expires_at is None
    assert [t.name for t in await access.tokens_of("ada")] == ["Home Assistant"]
    assert await access.revoke(identity, token.token_id)
    assert not await access.revoke(identity, token.token_id)
    with pytest.raises(WrongCredentials):
        await access.identify(token.token)


async def test_tokens_are_random_and_stored_as_hashes_only(access: Access, tmp_path: Path) -> None:
    first = await access.activate("ada", PASSWORD, HERE)
    second = await access.login("ada", PASSWORD, HERE)
    assert first.token != second.token
    assert len(first.token) >= 43
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    assert first.token.encode() not in stored
    assert PASSWORD.encode() not in stored
    assert first.token not in repr(first)


async def test_tokens_of_a_user_have_a_limit(access: Access) -> None:
    session = await access.activate("ada", PASSWORD, HERE)
    for number in range(4):
        await access.create_token(session.identity, f"t{number}")
    with pytest.raises(Refused, match="revoke some"):
        await access.create_token(session.identity, "one too many")


@pytest.mark.ledger("SYS-2")
async def test_wrong_passwords_lock_out_and_the_engine_is_told(access: Access, clock: VirtualClock) -> None:
    await access.activate("ada", PASSWORD, HERE)
    with access.illegal_logins.subscribe() as told:
        for _ in range(7):
            with pytest.raises(WrongCredentials):
                await access.login("ada", "Wr0ng-pass!", HERE)
        with pytest.raises(LockedOut):
            await access.login("ada", PASSWORD, HERE)
        await access.login("ada", PASSWORD, "192.0.2.8")
        event = await anext(aiter(told))
    assert event == IllegalLogin(
        at=clock.now(), event_id=event.event_id, username="ada", address=HERE, locked_until=clock.now() + 1800
    )
    assert codec.decode(codec.encode(event)) == event
    await clock.advance(1801)
    await access.login("ada", PASSWORD, HERE)


@pytest.mark.ledger("SYS-2")
async def test_many_wrong_tries_at_once_do_not_slip_through(access: Access) -> None:
    await access.activate("ada", PASSWORD, HERE)
    results = await asyncio.gather(
        *(access.login("ada", "Wr0ng-pass!", HERE) for _ in range(15)), return_exceptions=True
    )
    assert sum(isinstance(result, WrongCredentials) for result in results) == 7
    assert sum(isinstance(result, LockedOut) for result in results) == 8


async def test_an_unknown_user_is_answered_like_a_wrong_password(access: Access) -> None:
    await access.activate("ada", PASSWORD, HERE)
    messages = set()
    for name in ("ada", "nobody"):
        with pytest.raises(WrongCredentials) as refused:
            await access.login(name, "Wr0ng-pass!", HERE)
        messages.add(str(refused.value))
    assert len(messages) == 1


@pytest.mark.ledger("SYS-1")
async def test_users_are_added_and_removed_but_never_the_last_administrator(access: Access) -> None:
    await access.activate("ada", PASSWORD, HERE)
    await access.add_user("bob", PASSWORD, Role.USER, by="ada")
    with pytest.raises(Refused, match="already"):
        await access.add_user("bob", PASSWORD, Role.OPERATOR, by="ada")
    session = await access.login("bob", PASSWORD, HERE)
    assert session.identity.role is Role.USER
    with pytest.raises(Refused, match="last administrator"):
        await access.remove_user("ada", by="ada")
    assert await access.remove_user("bob", by="ada")
    assert not await access.remove_user("bob", by="ada")
    with pytest.raises(WrongCredentials):
        await access.identify(session.token)


def test_levels_include_those_below() -> None:
    assert [[a.includes(b) for b in Role] for a in Role] == [[True] * 3, [False, True, True], [False, False, True]]


async def test_a_new_password_ends_what_the_old_one_opened(access: Access) -> None:
    session = await access.activate("ada", PASSWORD, HERE)
    with pytest.raises(WrongCredentials):
        await access.change_password(session.identity, "Wr0ng-pass!", "Other-h0rse", HERE)
    with pytest.raises(WeakPassword):
        await access.change_password(session.identity, PASSWORD, "short", HERE)
    await access.change_password(session.identity, PASSWORD, "Other-h0rse", HERE)
    with pytest.raises(WrongCredentials):
        await access.identify(session.token)
    await access.login("ada", "Other-h0rse", HERE)


@pytest.mark.ledger("SITE-4")
async def test_a_lost_password_is_reset_on_the_machine_while_the_engine_runs(
    access: Access, tmp_path: Path, clock: VirtualClock
) -> None:
    session = await access.activate("ada", PASSWORD, HERE)
    async with Store(tmp_path) as other_process:
        recovery = await reopened(other_process, clock)
        with pytest.raises(Refused, match=r"the users are: ada \(administrator\)"):
            await recovery.reset_password("root", "Other-h0rse")
        with pytest.raises(WeakPassword):
            await recovery.reset_password("ada", "easy")
        await recovery.reset_password("ada", "Other-h0rse")
    with pytest.raises(WrongCredentials):
        await access.identify(session.token)
    await access.login("ada", "Other-h0rse", HERE)


@pytest.mark.ledger("NET-1")
async def test_all_who_ask_at_once_for_a_device_user_get_the_same_password(access: Access) -> None:
    made = await asyncio.gather(*(access.device_users.ensure("stream", Role.USER) for _ in range(3)))
    assert {one.password for one in made} == {access.device_users.password_of("stream")}


@pytest.mark.ledger("NET-1")
async def test_device_users_are_known_after_a_restart_and_encrypted(
    access: Access, store: Store, clock: VirtualClock, tmp_path: Path
) -> None:
    await access.device_users.save("nvr", PASSWORD, Role.OPERATOR)
    made = await access.device_users.ensure("stream", Role.USER)
    assert await access.device_users.ensure("stream", Role.USER) == made
    assert made.password not in repr(made)
    assert stat.S_IMODE((tmp_path / "secret.key").stat().st_mode) == 0o600
    assert PASSWORD.encode() not in b"".join(path.read_bytes() for path in tmp_path.glob("smart-ptz.db*"))

    later = await reopened(store, clock)
    assert later.device_users.password_of("nvr") == PASSWORD
    assert later.device_users.password_of("stream") == made.password
    assert later.device_users.password_of("nobody") is None
    assert await later.device_users.remove("nvr")
    assert {user.username for user in later.device_users.users} == {"stream"}


async def test_a_replaced_or_damaged_key_is_told(
    access: Access, store: Store, clock: VirtualClock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await access.device_users.save("nvr", PASSWORD, Role.USER)
    (tmp_path / "secret.key").unlink()
    later = await reopened(store, clock)
    assert later.device_users.password_of("nvr") is None
    assert "'nvr' was sealed with another key" in caplog.text
    (tmp_path / "secret.key").write_text("rubbish")
    with pytest.raises(StoreFailure, match=r"secret\.key is damaged"):
        await reopened(store, clock)


@pytest.mark.ledger("SYS-3")
async def test_the_audit_log_tells_who_and_never_a_secret(access: Access, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "engine.audit")
    session = await access.activate("ada", PASSWORD, HERE)
    token = await access.create_token(session.identity, "laptop")
    with pytest.raises(WrongCredentials):
        await access.login("ada\nforged line", "Wr0ng-pass!", HERE)
    await access.reset_password("ada", "Other-h0rse")
    lines = [record.getMessage() for record in caplog.records if record.name == "engine.audit"]
    assert [line.split(" ")[0] for line in lines] == ["activated", "token", "wrong", "password"]
    assert not any("\n" in line for line in lines)
    for secret in (PASSWORD, "Wr0ng-pass!", "Other-h0rse", session.token, token.token):
        assert secret not in caplog.text
