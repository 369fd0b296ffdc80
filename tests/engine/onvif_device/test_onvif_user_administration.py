"""Device users changed through ONVIF, kept in a real store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from pathlib import Path

import pytest

from engine.access import Access, DeviceUsers, Role
from engine.core.clock import VirtualClock
from engine.onvif_device.user_administration import DeviceUserAdministration
from engine.store import Store
from onvif_server.backend import Caller, Level, Refusal, Refused, UserAdministration

pytestmark = pytest.mark.ledger("ONVIF-2")

CALLER = Caller("admin", "192.0.2.7")
GOOD = "Correct-horse-7"


class House:
    """The device users with the engine's own, and what was told of changes."""

    def __init__(self, users: DeviceUsers) -> None:
        self.users = users
        self.changed: list[str] = []
        self.administration: UserAdministration = DeviceUserAdministration(users, changed=self.changed.append)

    def roles(self) -> dict[str, Role]:
        return {user.username: user.role for user in self.users.users}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with Store(tmp_path) as store:
        access = Access(store, VirtualClock())
        await access.open()
        users = access.device_users
        await users.ensure("relay", Role.USER)
        await users.save("admin", GOOD, Role.ADMINISTRATOR)
        yield House(users)


async def refusal_of(action: Awaitable[None]) -> Refusal:
    with pytest.raises(Refused) as caught:
        await action
    return caught.value.refusal


async def test_users_are_added_changed_and_removed(house: House) -> None:
    await house.administration.create(CALLER, "ann", GOOD, Level.OPERATOR)
    assert house.users.password_of("ann") == GOOD
    await house.administration.change(CALLER, "ann", None, Level.USER)
    assert (house.roles()["ann"], house.users.password_of("ann")) == (Role.USER, GOOD)
    await house.administration.change(CALLER, "ann", f"{GOOD}!", Level.ADMINISTRATOR)
    assert (house.roles()["ann"], house.users.password_of("ann")) == (Role.ADMINISTRATOR, f"{GOOD}!")
    await house.administration.delete(CALLER, "ann")
    assert "ann" not in house.roles()
    assert house.changed == ["ann"] * 4


async def test_a_weak_password_is_refused(house: House) -> None:
    assert await refusal_of(house.administration.create(CALLER, "ann", "short", Level.USER)) is Refusal.INVALID
    assert await refusal_of(house.administration.create(CALLER, "ann", "", Level.USER)) is Refusal.INVALID
    assert await refusal_of(house.administration.change(CALLER, "admin", "x", Level.ADMINISTRATOR)) is Refusal.INVALID
    assert house.users.password_of("admin") == GOOD
    assert house.changed == []


async def test_names_are_taken_once_and_must_be_there(house: House) -> None:
    assert await refusal_of(house.administration.create(CALLER, "admin", GOOD, Level.USER)) is Refusal.EXISTS
    assert await refusal_of(house.administration.change(CALLER, "ann", None, Level.USER)) is Refusal.NOT_FOUND
    assert await refusal_of(house.administration.delete(CALLER, "ann")) is Refusal.NOT_FOUND


async def test_the_engines_own_user_is_left_alone(house: House) -> None:
    password = house.users.password_of("relay")
    for action in (
        house.administration.create(CALLER, "relay", GOOD, Level.USER),
        house.administration.change(CALLER, "relay", GOOD, Level.USER),
        house.administration.delete(CALLER, "relay"),
    ):
        assert await refusal_of(action) is Refusal.NOT_ALLOWED
    assert house.users.password_of("relay") == password


async def test_the_last_administrator_stays(house: House) -> None:
    assert await refusal_of(house.administration.delete(CALLER, "admin")) is Refusal.NOT_ALLOWED
    assert await refusal_of(house.administration.change(CALLER, "admin", None, Level.USER)) is Refusal.NOT_ALLOWED
    await house.administration.create(CALLER, "ann", GOOD, Level.ADMINISTRATOR)
    await house.administration.delete(CALLER, "admin")
    assert house.roles()["ann"] is Role.ADMINISTRATOR


async def test_there_is_an_end_to_users(house: House) -> None:
    for number in range(62):
        await house.administration.create(CALLER, f"u{number}", GOOD, Level.USER)
    assert await refusal_of(house.administration.create(CALLER, "more", GOOD, Level.USER)) is Refusal.TOO_MANY
