"""Wrong passwords at the RTSP relay count into the one lock-out, and whoever is locked out is refused there too."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest

from engine.access import Access, Role
from engine.access.errors import LockedOut
from engine.app.relay_guard import RelayGuard
from engine.core.clock import VirtualClock
from engine.media import LoginFailed
from engine.store import Store

pytestmark = pytest.mark.ledger("SYS-2")

ADDRESS = "192.0.2.9"


class Relay:
    """Remembers whom it was told to refuse."""

    def __init__(self) -> None:
        self.refused: asyncio.Queue[tuple[tuple[str, str], ...]] = asyncio.Queue()

    async def set_locked(self, pairs: Iterable[tuple[str, str]]) -> None:
        self.refused.put_nowait(tuple(pairs))


class Scene:
    def __init__(self, access: Access, clock: VirtualClock) -> None:
        self.access, self.clock, self.relay = access, clock, Relay()
        self.guard = RelayGuard(self.relay, access.lockout, access.device_users, clock, access.report_lock)

    async def told(self) -> tuple[tuple[str, str], ...]:
        async with asyncio.timeout(10):
            return await self.relay.refused.get()


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    clock = VirtualClock()
    async with Store(tmp_path) as store:
        access = Access(store, clock)
        await access.open()
        await access.device_users.save("nvr", "Right-passw0rd", Role.OPERATOR)
        made = Scene(access, clock)
        running = asyncio.create_task(made.guard.run())
        assert await made.told() == ()
        yield made
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_five_wrong_tries_at_the_relay_lock_the_user_out_everywhere_for_half_an_hour(scene: Scene) -> None:
    with scene.access.illegal_logins.subscribe() as logins:
        for _ in range(5):
            scene.guard.failed(LoginFailed("nvr", ADDRESS))
        assert await scene.told() == (("nvr", ADDRESS),)
        event = await anext(aiter(logins))
    assert (event.username, event.address) == ("nvr", ADDRESS)
    with pytest.raises(LockedOut):
        scene.access.lockout.count("nvr", ADDRESS, administrator=False)
    # From elsewhere the same user may still come in.
    scene.access.lockout.count("nvr", "192.0.2.10", administrator=False)
    await scene.clock.advance(1801.0)
    assert await scene.told() == ()


async def test_tries_elsewhere_and_at_the_relay_are_counted_together(scene: Scene) -> None:
    for _ in range(4):
        scene.access.lockout.count("nvr", ADDRESS, administrator=False)
    scene.guard.failed(LoginFailed("nvr", ADDRESS))
    assert await scene.told() == (("nvr", ADDRESS),)


async def test_who_was_locked_out_elsewhere_is_refused_at_the_relay_after_one_more_wrong_try(scene: Scene) -> None:
    for _ in range(5):
        scene.access.lockout.count("nvr", ADDRESS, administrator=False)
    scene.guard.failed(LoginFailed("nvr", ADDRESS))
    assert await scene.told() == (("nvr", ADDRESS),)


async def test_an_ipv6_host_is_one_host_whichever_of_its_addresses_it_takes(scene: Scene) -> None:
    for number in range(5):
        scene.guard.failed(LoginFailed("nvr", f"2001:db8:0:7::{number:x}"))
    assert await scene.told() == (("nvr", "2001:db8:0:7::/64"),)
    # The lock knows one entry of it, however many addresses go on trying.
    scene.guard.failed(LoginFailed("nvr", "2001:db8:0:7::beef"))
    assert await scene.told() == (("nvr", "2001:db8:0:7::/64"),)


async def test_a_host_that_tries_name_after_name_is_refused_whatever_its_next_name_is(scene: Scene) -> None:
    for _ in range(5):
        scene.guard.failed(LoginFailed("nvr", ADDRESS))
    assert await scene.told() == (("nvr", ADDRESS),)
    for number in range(96):
        scene.guard.failed(LoginFailed(f"name {number}", ADDRESS))
    assert await scene.told() == (("", ADDRESS),)


async def test_a_client_that_forgot_its_name_does_not_lock_out_everybody_at_its_address(scene: Scene) -> None:
    for _ in range(6):
        scene.guard.failed(LoginFailed("", ADDRESS))
    for _ in range(5):
        scene.guard.failed(LoginFailed("nvr", ADDRESS))
    assert await scene.told() == (("nvr", ADDRESS),)
